import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { nullable, StringRecord } from "../../internal/api/decode.js"
import type { MemoryDirectory } from "../state/fileTree.js"
import {
  digestOf,
  emptyConfig,
  enginePlatform,
  type ImageContent,
  type MemoryLayer
} from "../state/images/imageContent.js"
import { LineFailure } from "./jsonLines.js"

const Texts = nullable(Schema.Array(Schema.String))
const Keys = nullable(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
const Text = nullable(Schema.String)

const ConfigFile = Schema.parseJson(
  Schema.Struct({
    architecture: Text,
    os: Text,
    variant: Text,
    comment: Text,
    created: Text,
    config: nullable(
      Schema.Struct({
        Cmd: Texts,
        Entrypoint: Texts,
        Env: Texts,
        Labels: nullable(StringRecord),
        ExposedPorts: Keys,
        Volumes: Keys,
        User: Text,
        WorkingDir: Text,
        StopSignal: Text,
        Healthcheck: nullable(Schema.Struct({ Test: Texts })),
        OnBuild: Texts
      })
    ),
    history: nullable(
      Schema.Array(
        Schema.Struct({ created: Text, created_by: Text, comment: Text, empty_layer: nullable(Schema.Boolean) })
      )
    ),
    rootfs: Schema.Struct({ diff_ids: Texts })
  })
)

type Config = typeof ConfigFile.Type

const nanos = (text: string | null | undefined): bigint => {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(text ?? "") ?? []
  const millis = Date.parse(`${seconds}Z`)
  return Number.isNaN(millis) ? 0n : BigInt(millis) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"))
}

const imageConfig = (config: NonNullable<Config["config"]> | null | undefined): ImageContent["config"] => ({
  ...emptyConfig,
  command: config?.Cmd ?? undefined,
  entrypoint: config?.Entrypoint ?? undefined,
  env: config?.Env ?? [],
  labels: config?.Labels ?? {},
  exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
  volumes: Object.keys(config?.Volumes ?? {}),
  user: config?.User ?? "",
  workingDirectory: config?.WorkingDir ?? "",
  stopSignal: config?.StopSignal ?? "",
  healthTest: config?.Healthcheck?.Test ?? [],
  onBuild: config?.OnBuild ?? []
})

/** The history with the sizes of the layers that its steps added. */
const history = ({ history: steps }: Config, layers: ReadonlyArray<MemoryLayer>): ImageContent["history"] => {
  let next = 0
  return (steps ?? []).map(({ comment, created, created_by, empty_layer }) => {
    const emptyLayer = empty_layer ?? false
    const size = emptyLayer ? 0 : (layers[next++]?.size ?? 0)
    return { created: nanos(created), createdBy: created_by ?? "", comment: comment ?? "", size, emptyLayer }
  })
}

/** Reads an image from its configuration in an archive. `sizes` are those of its layers. */
export const readConfigFile = (
  bytes: Uint8Array,
  sizes: ReadonlyArray<number>,
  files: MemoryDirectory
): Effect.Effect<ImageContent, LineFailure> =>
  Effect.map(
    Effect.mapError(
      Schema.decodeUnknown(ConfigFile)(new TextDecoder().decode(bytes)),
      ({ message }) => new LineFailure({ message: `invalid image configuration: ${message}` })
    ),
    (config) => {
      const layers = (config.rootfs.diff_ids ?? []).map((diffId, index) => {
        const size = sizes[index] ?? 0
        return { diffId, digest: digestOf(`compressed ${diffId}`), size, compressedSize: size }
      })
      return {
        id: digestOf(bytes),
        source: new TextDecoder().decode(bytes),
        created: nanos(config.created),
        comment: config.comment ?? "",
        platform: {
          os: config.os ?? enginePlatform.os,
          architecture: config.architecture ?? enginePlatform.architecture,
          variant: config.variant ?? ""
        },
        config: imageConfig(config.config),
        layers,
        history: history(config, layers),
        files
      }
    }
  )
