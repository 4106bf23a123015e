import type { OperationStep } from "../../../Operation.js"
import { JsonLines } from "../../api/streams/jsonLines.js"
import { TransferFraction } from "./transferFraction.js"
import { type TransferMessage, transferMessage } from "./transferMessage.js"

/** What some messages of a transfer said about its outcome. */
export interface TransferOutcome {
  /** The digest in the registry. */
  readonly digest: string | undefined
  /** The last line that begins with `Status: `. */
  readonly status: string | undefined
  /** A warning that the image is not for the platform that was requested. */
  readonly platformWarning: string | undefined
  /** The last item that a message was about. */
  readonly lastId: string | undefined
}

/** The steps that a chunk contained, and the engine's message if the transfer has failed. */
export interface DecodedChunk {
  readonly steps: ReadonlyArray<OperationStep<never>>
  readonly error: string | undefined
  /** Whether it said anything that it had not said before. */
  readonly hasNews: boolean
}

/** The line that the docker command prints for a message. It prints no progress unless it has a terminal. */
const lineOf = ({ current = 0, id, status, stream, total = 0 }: TransferMessage): string | undefined => {
  const text = stream ?? status
  return text === undefined || current > 0 || total > 0 ? undefined : id === undefined ? text : `${id}: ${text}`
}

/** Decodes the response of a pull or a push. */
export class TransferDecoder {
  readonly #lines = new JsonLines()
  /** The last message about each item. */
  readonly #last = new Map<string, TransferMessage>()
  readonly #fraction: TransferFraction
  #outcome: TransferOutcome = { digest: undefined, status: undefined, platformWarning: undefined, lastId: undefined }

  constructor(kind: "pull" | "push") {
    this.#fraction = new TransferFraction(kind)
  }

  get outcome(): TransferOutcome {
    return this.#outcome
  }

  push(chunk: Uint8Array): DecodedChunk {
    return this.#decode(this.#lines.push(chunk))
  }

  /** Decodes a last line without a newline. */
  end(): DecodedChunk {
    return this.#decode(this.#lines.end())
  }

  #decode(values: ReadonlyArray<unknown>): DecodedChunk {
    const steps: Array<OperationStep<never>> = []
    let hasNews = false
    for (const value of values) {
      const message = transferMessage(value)
      hasNews = this.#isNew(message) || hasNews
      this.#addSteps(message, steps)
      if (message.error !== undefined) return { steps, error: message.error, hasNews }
    }
    return { steps, error: undefined, hasNews }
  }

  /** Engines that keep images in containerd report the state of each layer ten times a second, also while nothing happens. */
  #isNew(message: TransferMessage): boolean {
    const { current, id, status, total } = message
    if (id === undefined) return true
    const last = this.#last.get(id)
    this.#last.set(id, message)
    return last?.status !== status || last?.current !== current || last?.total !== total
  }

  #addSteps(message: TransferMessage, steps: Array<OperationStep<never>>): void {
    const { current, id, status, total } = message
    this.#learn(message)
    // The first message of a pull has the tag as its id.
    const item = status === undefined || status.startsWith("Pulling from ") ? undefined : id
    const line = lineOf(message)
    for (const text of line?.split(/\r?\n/) ?? []) {
      if (text !== "") {
        steps.push({ _tag: "Line", stream: "stdout", text, ...(item === undefined ? {} : { item }) })
      }
    }
    if (item === undefined || status === undefined) return
    steps.push({
      _tag: "Progress",
      id: item,
      status,
      ...(current === undefined ? {} : { current }),
      ...(total === undefined ? {} : { total }),
      fraction: this.#fraction.update(item, status, message)
    })
  }

  #learn({ id, pushed, status = "" }: TransferMessage): void {
    const outcome = this.#outcome
    const [, digest] = /(?:^|: )digest: (\w+:[0-9a-f]{32,})/i.exec(status) ?? []
    const isWarning = /^WARNING: image .* platform .*does not match/i.test(status)
    this.#outcome = {
      digest: pushed ?? (id === undefined ? digest : undefined) ?? outcome.digest,
      status: status.startsWith("Status: ") ? status : outcome.status,
      platformWarning: isWarning ? status : outcome.platformWarning,
      lastId: id ?? outcome.lastId
    }
  }
}
