import { randomBytes } from "node:crypto"
import { busyboxImage } from "./busyboxImage.js"
import { engineCall, engineRequest, jsonAt } from "./engineRequest.js"
import { testLabels } from "./testRun.js"

/** What a test container runs, and how. Whatever is left out is the engine's default. */
export interface TestContainerOptions {
  /** Where the engine is. */
  readonly endpoint: string
  /** The command, as words. */
  readonly cmd: ReadonlyArray<string>
  /** Unique unless given. */
  readonly name?: string
  readonly image?: string
  readonly tty?: boolean
  readonly openStdin?: boolean
  readonly env?: ReadonlyArray<string>
  /** Beside the label of the run. */
  readonly labels?: Readonly<Record<string, string>>
  readonly logConfig?: { readonly Type: string; readonly Config?: Readonly<Record<string, string>> }
  /** More of the engine's `HostConfig`. */
  readonly hostConfig?: Readonly<Record<string, unknown>>
  /** More of the engine's create request. */
  readonly config?: Readonly<Record<string, unknown>>
}

/** A container that a test made. */
export interface TestContainer {
  readonly id: string
  readonly name: string
  readonly start: () => Promise<void>
  /** What the engine says of it, raw. */
  readonly inspect: () => Promise<unknown>
  /** Resolves with the exit code when it has ended. */
  readonly wait: () => Promise<number>
  /**
   * All its output so far, or the last lines of it, as one text: both streams, in the order in which the engine gives them
   * out.
   */
  readonly output: (tail?: number) => Promise<string>
  /** By force, running or not, there or not. */
  readonly remove: () => Promise<void>
}

/** A name that no other test has, beginning with `dockwire-`. */
export const uniqueName = (word = "test"): string => `dockwire-${word}-${randomBytes(4).toString("hex")}`

/** The payloads of a multiplexed log body, one after the other. */
const withoutFrames = (body: Buffer): Buffer => {
  const payloads: Array<Buffer> = []
  for (let at = 0; at + 8 <= body.length;) {
    const end = at + 8 + body.readUInt32BE(at + 4)
    payloads.push(body.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(payloads)
}

/** Creates a busybox container that carries the label of this run. */
export const createTestContainer = async (options: TestContainerOptions): Promise<TestContainer> => {
  const { endpoint } = options
  const name = options.name ?? uniqueName()
  const created = await engineCall(endpoint, "POST", `/containers/create?name=${encodeURIComponent(name)}`, {
    ...options.config,
    Image: options.image ?? busyboxImage,
    Cmd: options.cmd,
    Tty: options.tty ?? false,
    OpenStdin: options.openStdin ?? false,
    ...(options.env === undefined ? {} : { Env: options.env }),
    Labels: testLabels(options.labels),
    HostConfig: {
      ...options.hostConfig,
      ...(options.logConfig === undefined ? {} : { LogConfig: { Config: {}, ...options.logConfig } })
    }
  })
  const id = String(jsonAt(created.json, "Id"))
  return {
    id,
    name,
    start: async () => void (await engineCall(endpoint, "POST", `/containers/${id}/start`)),
    inspect: async () => (await engineCall(endpoint, "GET", `/containers/${id}/json`)).json,
    wait: async () => {
      const ended = await engineCall(endpoint, "POST", `/containers/${id}/wait`, undefined, { timeout: 0 })
      return Number(jsonAt(ended.json, "StatusCode"))
    },
    output: async (tail) => {
      const log = await engineCall(endpoint, "GET", `/containers/${id}/logs?stdout=1&stderr=1&tail=${tail ?? "all"}`)
      return (options.tty === true ? log.body : withoutFrames(log.body)).toString("utf8")
    },
    remove: async () => {
      const removed = await engineRequest(endpoint, "DELETE", `/containers/${id}?force=1&v=1`)
      // 404: gone already; 409: going.
      if (removed.status >= 400 && removed.status !== 404 && removed.status !== 409) throw new Error(removed.text)
    }
  }
}

/** As `createTestContainer`, and starts it. */
export const startTestContainer = async (options: TestContainerOptions): Promise<TestContainer> => {
  const container = await createTestContainer(options)
  await container.start()
  return container
}
