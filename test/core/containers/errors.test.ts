import type {
  ArchiveShape,
  Attachment,
  ComposeShape,
  ComposeFilesShape,
  ContainersShape,
  DockerShape,
  EventsShape,
  ExecShape,
  HostShape,
  ImagesShape,
  LogsShape,
  NetworksShape,
  Operation,
  StatsShape,
  SystemShape,
  Terminal,
  VolumesShape
} from "@dockwire/core"
import * as Errors from "@dockwire/core/DockerError"
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
const image = ["ImageNotFound", ...failure] as const
const transferred = ["RegistryError", "InvalidRequest", ...image] as const
const located = ["InvalidRequest", "ComposeFileUnusable"] as const
const fetched = ["DownloadFailed", "ComposeFileInvalid", ...located] as const
const executed = ["ExecFailed", ...stated] as const

const composeRead = ["ComposeFailed", "EngineUnavailable", "InvalidRequest"] as const
const composed = ["ComposeFailed", "PortAllocated", "ImageNotFound", "RegistryError", "EngineUnavailable"] as const

/** The exact error tags of each method. */
const errors = {
  Archive: { get: files, put: files, readFile: files, readFileString: files, stat: files, writeFile: files },
  Compose: {
    build: composed,
    command: composed,
    config: composed,
    down: composed,
    events: composeRead,
    logs: composeRead,
    logsBatches: composeRead,
    ls: ["ComposeFailed", "EngineUnavailable"],
    ps: ["ComposeFailed", "EngineUnavailable"],
    pull: composed,
    restart: composed,
    start: composed,
    status: ["ComposeFailed", "EngineUnavailable"],
    stop: composed,
    up: composed,
    version: ["ComposeFailed"]
  },
  ComposeFiles: {
    check: fetched,
    download: fetched,
    list: ["ComposeFileUnusable"],
    read: ["ComposeFileInvalid", ...located],
    remove: located,
    update: fetched
  },
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
    run: ["ImageNotFound", ...named],
    runStream: ["ImageNotFound", ...named],
    scoped: ["ImageNotFound", ...named],
    start: ["PortAllocated", ...stated],
    stop: ["InvalidRequest", ...container],
    top: stated,
    unpause: stated,
    update: ["InvalidRequest", ...stated],
    wait: container,
    waitUntil: ["WaitFailed", "InvalidRequest", ...container]
  },
  Docker: { hijack: failure, json: failure, stream: failure },
  Events: { stream: filtered, watch: filtered },
  Exec: { attach: stated, run: executed, startDetached: executed, stream: executed, terminal: executed },
  "Exec, an attachment": { end: [], output: failure, resize: stated, write: filtered },
  "Exec, a terminal": {
    exitCode: ["ExecFailed", ...failure],
    output: ["ExecFailed", ...failure],
    resize: failure,
    write: failure
  },
  Host: { install: ["InstallFailed"], isInstalled: [] },
  Images: {
    build: ["BuildFailed", "RegistryError", "ImageNotFound", "InvalidRequest", "EngineUnavailable"],
    history: image,
    import: filtered,
    inspect: image,
    list: filtered,
    load: filtered,
    prune: pruned,
    pruneBuildCache: pruned,
    pull: transferred,
    push: transferred,
    remove: ["ResourceInUse", ...image],
    save: ["InvalidRequest", ...image],
    tag: ["InvalidRequest", ...image]
  },
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
declare const images: ImagesShape
declare const containers: ContainersShape
type Archive = Omit<ArchiveShape, "put"> & { readonly put: typeof archive.put<never, never> }
type Exec = Omit<ExecShape, "run" | "stream"> & {
  readonly run: typeof exec.run<never, never>
  readonly stream: typeof exec.stream<never, never>
}
type Images = Omit<ImagesShape, "import" | "load"> & {
  readonly import: typeof images.import<never, never>
  readonly load: typeof images.load<never, never>
}
type Containers = Omit<ContainersShape, "run" | "runStream"> & {
  readonly run: typeof containers.run<never, never>
  readonly runStream: typeof containers.runStream<never, never>
}

describe("the errors of each method", () => {
  it("are exactly those of its type", () => {
    expectTypeOf<Expected>().toEqualTypeOf<{
      Archive: Tags<Archive>
      Compose: Tags<ComposeShape>
      ComposeFiles: Tags<Omit<ComposeFilesShape, "folder">>
      Containers: Tags<Containers>
      Docker: Tags<Omit<DockerShape, "onlyReads" | "tls">>
      Events: Tags<EventsShape>
      Exec: Tags<Exec>
      "Exec, an attachment": Tags<Attachment>
      "Exec, a terminal": Tags<Terminal>
      Host: Tags<HostShape>
      Images: Tags<Images>
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

describe("the message of an error", () => {
  const containerId = "web"
  const detail = "the engine's message"
  const engine = `(engine: ${detail})`
  const messages: ReadonlyArray<readonly [Errors.DockerError, string]> = [
    [
      new Errors.ContainerNotFound({ containerId, detail }),
      `Container "web" not found. Run "docker ps -a" or list the containers to see which exist. ${engine}`
    ],
    [
      new Errors.ContainerNotFound({ containerId: "a b", detail: "request not sent: not an id" }),
      'Container "a b" not found. Run "docker ps -a" or list the containers to see which exist. (request not sent: not an id)'
    ],
    [
      new Errors.ImageNotFound({ image: "web:1", detail }),
      `Image "web:1" not found on the engine. Pull or build it first. ${engine}`
    ],
    [
      new Errors.VolumeNotFound({ volume: "data", detail }),
      `Volume "data" not found. Run "docker volume ls" or list the volumes to see which exist. ${engine}`
    ],
    [
      new Errors.NetworkNotFound({ network: "front", detail }),
      `Network "front" not found. Run "docker network ls" or list the networks to see which exist. ${engine}`
    ],
    [
      new Errors.FileNotFound({ containerId, path: "/etc/x", detail }),
      `No such file or directory in container "web": "/etc/x". Check the path. ${engine}`
    ],
    [
      new Errors.ResourceInUse({ resource: "data", detail }),
      `"data" is in use. Remove or disconnect the containers that use it first. ${engine}`
    ],
    [
      new Errors.NameConflict({ name: "web", detail }),
      `The name "web" is already in use. Choose another name, or remove or rename the resource that has it. ${engine}`
    ],
    [
      new Errors.PruneInProgress({ kind: "build cache", detail }),
      `The engine is already running a prune (build cache). Try again when it has finished. ${engine}`
    ],
    [
      new Errors.ContainerStateConflict({ containerId, state: "stopped", detail }),
      `Container "web" is not running. Start it first. ${engine}`
    ],
    [
      new Errors.ContainerStateConflict({ containerId, state: "unknown", detail }),
      `Container "web" is in a state that does not allow this operation. Inspect it to see its state. ${engine}`
    ],
    [
      new Errors.ContainerStateConflict({ containerId, state: "misconfigured", setting: "command", detail }),
      `Container "web" cannot start because its configuration (command) refers to something that is missing or unusable. Provide it, or recreate the container with a different setting. ${engine}`
    ],
    [
      new Errors.PortAllocated({ containerId, address: "0.0.0.0:80", detail }),
      `Container "web" cannot publish 0.0.0.0:80: already in use on the host. Stop whatever uses it, or publish another port. ${engine}`
    ],
    [
      new Errors.InvalidRequest({ field: "port", value: "0", detail: "must be an integer between 1 and 65535" }),
      'Invalid port "0": must be an integer between 1 and 65535'
    ],
    [
      new Errors.LogsUnreadable({ containerId, detail }),
      `Cannot read the logs of container "web": its logging driver does not support reading. Recreate the container with the json-file or local driver. ${engine}`
    ],
    [
      new Errors.ExecFailed({ containerId, command: ["nope", "-v"], detail }),
      `Cannot start ["nope","-v"] in container "web". Check that the command, its working directory and its user exist there. ${engine}`
    ],
    [
      new Errors.WaitFailed({
        containerId,
        condition: "healthy",
        reason: "Unhealthy",
        detail: "it is unhealthy",
        healthLog: [{ start: "", end: "", exitCode: 1, output: "refused\n" }],
        lastLines: ["one", "two"]
      }),
      'Waiting for container "web" failed (condition: healthy): it is unhealthy.\nLast health check (exit code 1): refused\nLast log lines:\none\ntwo'
    ],
    [
      new Errors.InstallFailed({
        reason: "CommandFailed",
        detail: "apt-get exited with 100",
        command: ["apt-get", "update"],
        instructions: "https://example.org/"
      }),
      "Docker was not installed: apt-get exited with 100. Failed command: apt-get update. For manual installation see https://example.org/"
    ],
    [
      new Errors.DownloadFailed({ reason: "Status", url: "https://example.org/a", status: 404, detail: "status 404" }),
      "Cannot download https://example.org/a: the server does not send the file. Check the URL. (status 404)"
    ],
    [
      new Errors.ComposeFileInvalid({
        source: "/a.yaml",
        reason: "InvalidYaml",
        code: "EMPTY",
        line: 1,
        column: 2,
        detail: "the file is empty"
      }),
      "/a.yaml, line 1, column 2 is not a valid compose file: the file is empty. Correct the file, or choose another."
    ],
    [
      new Errors.ComposeFileInvalid({ source: "/a.yaml", reason: "NotUtf8", detail: "it is not UTF-8 text" }),
      "/a.yaml is not a valid compose file: it is not UTF-8 text. Correct the file, or choose another."
    ],
    [
      new Errors.ComposeFileUnusable({ reason: "DiskFull", path: "/a.yaml", detail: "ENOSPC" }),
      "Cannot use /a.yaml: the disk is full. Free some space first. (ENOSPC)"
    ],
    [
      new Errors.EngineUnavailable({ endpoint: "unix:///run/docker.sock", reason: "Lost", detail: "socket hang up" }),
      "Docker engine at unix:///run/docker.sock unavailable: connection lost. Check that the engine is still running, then try again. (socket hang up)"
    ],
    [
      new Errors.EngineError({ request: "GET /info", status: 500, detail }),
      "The Docker engine responded with status 500 to GET /info: the engine's message"
    ]
  ]

  it.each(messages)("says what happened and what to do: $0._tag", (error, message) => {
    expect(error.message).toBe(message)
  })
})
