import type {
  ArchiveShape,
  Attachment,
  ContainersShape,
  DockerShape,
  EventsShape,
  ExecShape,
  HostShape,
  LogsShape,
  NetworksShape,
  Operation,
  StatsShape,
  SystemShape,
  Terminal,
  VolumesShape
} from "@dockwire/core"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { describe, expect, expectTypeOf, it } from "vitest"

const failure = ["EngineUnavailable", "EngineError"] as const
const container = ["ContainerNotFound", ...failure] as const
const stated = ["ContainerStateConflict", ...container] as const
const filtered = ["InvalidRequest", ...failure] as const
const pruned = ["PruneInProgress", ...filtered] as const
const named = ["NameConflict", ...filtered] as const
const files = ["FileNotFound", "InvalidRequest", ...container] as const
const logs = ["LogsUnreadable", "InvalidRequest", ...container] as const
const executed = ["ExecFailed", ...stated] as const

/** The exact error tags of each method. */
const errors = {
  Archive: { get: files, put: files, readFile: files, readFileString: files, stat: files, writeFile: files },
  Containers: {
    changes: container,
    create: ["ImageNotFound", ...named],
    inspect: container,
    kill: ["InvalidRequest", ...stated],
    list: filtered,
    pause: stated,
    prune: pruned,
    remove: stated,
    rename: ["ContainerNotFound", ...named],
    restart: ["PortAllocated", ...stated],
    scoped: ["ImageNotFound", ...named],
    start: ["PortAllocated", ...stated],
    stop: container,
    top: stated,
    unpause: stated,
    update: ["InvalidRequest", ...stated],
    wait: container,
    waitUntil: ["WaitFailed", "InvalidRequest", ...container]
  },
  Docker: { hijack: failure, json: failure, stream: failure },
  Events: { stream: filtered, watch: filtered },
  Exec: { attach: stated, run: executed, stream: executed, terminal: executed },
  "Exec, an attachment": { end: [], output: failure, resize: stated, write: filtered },
  "Exec, a terminal": { exitCode: failure, output: failure, resize: failure, write: failure },
  Host: { install: ["InstallFailed"], isInstalled: [] },
  Logs: { follow: logs, followBatches: logs, read: logs, readBatches: logs },
  Networks: {
    connect: ["NetworkNotFound", "InvalidRequest", ...container],
    create: named,
    disconnect: ["NetworkNotFound", "InvalidRequest", ...container],
    inspect: ["NetworkNotFound", ...failure],
    list: filtered,
    prune: pruned,
    remove: ["NetworkNotFound", "ResourceInUse", ...filtered],
    scoped: named
  },
  Stats: { once: container, stream: container },
  System: {
    diskUsage: failure,
    info: failure,
    ping: failure,
    prune: pruned,
    version: failure
  },
  Volumes: {
    create: named,
    inspect: ["VolumeNotFound", ...failure],
    list: filtered,
    prune: pruned,
    remove: ["VolumeNotFound", "ResourceInUse", ...failure],
    scoped: named
  }
} as const

type ErrorOf<A> =
  A extends Effect.Effect<infer _, infer E, infer _R>
    ? E
    : A extends Stream.Stream<infer _, infer E, infer _R>
      ? E
      : A extends Operation<infer _, infer E, infer _R>
        ? E
        : A extends (...args: never) => infer B
          ? ErrorOf<B>
          : never
type TagOf<E> = E extends { readonly _tag: infer Tag } ? Tag : never
/** The tags of the errors of each method. Properties that are not methods are left out. */
type Tags<Shape> = {
  -readonly [Method in keyof Shape as Shape[Method] extends string | boolean ? never : Method]: TagOf<
    ErrorOf<Shape[Method]>
  >
}
type Expected = {
  -readonly [Service in keyof typeof errors]: {
    -readonly [Method in keyof (typeof errors)[Service]]: (typeof errors)[Service][Method] extends ReadonlyArray<
      infer Tag
    >
      ? Tag
      : never
  }
}
/** Methods that are generic in the error of their input, with an input that cannot fail. */
declare const archive: ArchiveShape
declare const exec: ExecShape
type Archive = Omit<ArchiveShape, "put"> & { readonly put: typeof archive.put<never, never> }
type Exec = Omit<ExecShape, "run" | "stream"> & {
  readonly run: typeof exec.run<never, never>
  readonly stream: typeof exec.stream<never, never>
}

describe("the errors of each method", () => {
  it("are exactly those of its type", () => {
    expectTypeOf<Expected>().toEqualTypeOf<{
      Archive: Tags<Archive>
      Containers: Tags<ContainersShape>
      Docker: Tags<DockerShape>
      Events: Tags<EventsShape>
      Exec: Tags<Exec>
      "Exec, an attachment": Tags<Attachment>
      "Exec, a terminal": Tags<Terminal>
      Host: Tags<HostShape>
      Logs: Tags<LogsShape>
      Networks: Tags<NetworksShape>
      Stats: Tags<StatsShape>
      System: Tags<SystemShape>
      Volumes: Tags<VolumesShape>
    }>()
  })

  it("are at most five", () => {
    for (const [service, methods] of Object.entries(errors)) {
      for (const [method, tags] of Object.entries<ReadonlyArray<string>>(methods)) {
        expect(tags.length, `${service}.${method}`).toBeLessThanOrEqual(5)
        expect(new Set(tags).size).toBe(tags.length)
      }
    }
  })
})
