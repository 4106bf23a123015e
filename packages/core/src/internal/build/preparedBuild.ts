import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { readFile, stat } from "node:fs/promises"
import { InvalidRequest } from "../../DockerError.js"
import { familiarReference, parseImageName } from "../registry/imageReference.js"
import type { BuildSecret, BuildSpec } from "./buildSpec.js"

/** BuildKit accepts no longer secrets. */
const maxSecretBytes = 500 * 1024

/** A spec that has been checked, with its secrets read. */
export interface PreparedBuild {
  readonly spec: BuildSpec
  /** The references as the docker command prints them. */
  readonly tags: ReadonlyArray<string>
  readonly secrets: ReadonlyMap<string, Redacted.Redacted<string | Uint8Array>>
  /** The sockets of ssh agents, by id. */
  readonly ssh: ReadonlyMap<string, string>
  /** Values that must appear in no event and no error. */
  readonly hidden: ReadonlyArray<Redacted.Redacted>
}

const parseTag = (tag: string): Effect.Effect<string, InvalidRequest> =>
  Effect.map(parseImageName(tag, "tags"), familiarReference)

const readSecret = (
  id: string,
  secret: BuildSecret
): Effect.Effect<Redacted.Redacted<string | Uint8Array>, InvalidRequest> => {
  if (Redacted.isRedacted(secret)) return Effect.succeed(secret)
  const field = `secrets.${id}`
  if ("env" in secret) {
    const value = process.env[secret.env]
    return value === undefined
      ? new InvalidRequest({ field, value: secret.env, detail: "there is no environment variable of this name" })
      : Effect.succeed(Redacted.make(value))
  }
  const invalid = (detail: string) => new InvalidRequest({ field, value: secret.file, detail })
  return Effect.tryPromise({
    try: async () => {
      const { size } = await stat(secret.file)
      if (size > maxSecretBytes) throw invalid(`the file is longer than ${maxSecretBytes} bytes`)
      const content: Uint8Array = await readFile(secret.file)
      return Redacted.make(content)
    },
    catch: (error) => (error instanceof InvalidRequest ? error : invalid(`the file cannot be read: ${String(error)}`))
  })
}

const agentSockets = (ssh: BuildSpec["ssh"]): Effect.Effect<ReadonlyMap<string, string>, InvalidRequest> => {
  if (ssh === undefined) return Effect.succeed(new Map())
  const path = ssh === true ? process.env["SSH_AUTH_SOCK"] : ssh
  return path === undefined || path === ""
    ? new InvalidRequest({
        field: "ssh",
        value: String(ssh),
        detail: "there is no ssh agent: SSH_AUTH_SOCK is not set. Start an agent, or pass the path of its socket"
      })
    : Effect.succeed(new Map([["default", path]]))
}

const textOf = (secret: Redacted.Redacted<string | Uint8Array>): Redacted.Redacted => {
  const value = Redacted.value(secret)
  return Redacted.make(typeof value === "string" ? value : Buffer.from(value).toString("utf8"))
}

/** Checks a spec, and reads what it refers to outside of the context. */
export const prepareBuild = (spec: BuildSpec): Effect.Effect<PreparedBuild, InvalidRequest> =>
  Effect.gen(function* () {
    if (spec.context === undefined && typeof spec.dockerfile !== "object") {
      return yield* new InvalidRequest({
        field: "context",
        value: "",
        detail: "there is nothing to build. Pass a context, or the text of a Dockerfile"
      })
    }
    const tags = yield* Effect.forEach(spec.tags ?? [], parseTag)
    const secrets = yield* Effect.forEach(Object.entries(spec.secrets ?? {}), ([id, secret]) =>
      Effect.map(readSecret(id, secret), (value) => [id, value] as const)
    )
    const buildArgs = Object.values(spec.buildArgs ?? {}).filter((value) => Redacted.isRedacted(value))
    return {
      spec,
      tags,
      secrets: new Map(secrets),
      ssh: yield* agentSockets(spec.ssh),
      hidden: [...buildArgs, ...secrets.map(([, value]) => textOf(value))]
    }
  })
