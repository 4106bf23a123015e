import { Context } from "effect"
import { expect } from "vitest"
import type { Edition, EngineName } from "./engineName.js"

/** What some engines do instead of what the others do. */
interface Difference {
  readonly why: string
  readonly expected: Partial<Record<Edition, unknown>>
}

/** The events of a container's life on Podman. */
const podmanEvents = "volume create, container create, container init, container start, container pause"
  .concat(", container unpause, container rename, container kill, container die, container cleanup")
  .concat(", container destroy, volume destroy")
  .split(", ")

const otherPlatform = expect.objectContaining({ _tag: "InvalidRequest", field: "platform", value: "linux/arm/v6" })

/** The known differences between engines, and why each is acceptable. Everything else must be the same on all engines. */
const differences = {
  "the error message of ps": {
    why: "a real engine passes on the message of the host's ps; the engine in memory has no ps",
    expected: { memory: "ps: error: unsupported option: --nonsense" }
  },
  "the status when ps fails": {
    why: "Podman answers 200 with an empty body if it can't list processes",
    expected: { podman: 200 }
  },
  "the columns of ps": {
    why: "Podman runs the container's own ps, here busybox's",
    expected: { podman: ["PID", "USER", "COMMAND"] }
  },
  "the exit code of a removed container": {
    why: "Podman 4.3 has forgotten the exit code by the time of the removal, so a wait for the removal returns 0",
    expected: { podman: 0 }
  },
  "the exit code of a container that never ran": { why: "Podman returns -1", expected: { podman: -1 } },
  "validation on create": {
    why: "Podman validates limits, restart policies and log drivers only when the container starts",
    expected: { podman: true }
  },
  "the message for an invalid restart policy": {
    why: "API 1.44 changed it",
    expected: { "20.10": "invalid restart policy 'foo'" }
  },
  "the state after a failed start": {
    why: "Podman records neither the reason nor an exit code",
    expected: { podman: expect.objectContaining({ status: "created", exitCode: 0 }) }
  },
  "renaming a container to its own name": { why: "Podman allows it", expected: { podman: "done" } },
  "the label of an anonymous volume": {
    why: "engines before API 1.42 and Podman don't label volumes whose name they generated",
    expected: { "20.10": {}, podman: {} }
  },
  "the predefined networks": {
    why: "Podman has no networks named host and none, only network modes",
    expected: { podman: ["bridge"] }
  },
  "the type filter of networks": { why: "Podman has no such filter", expected: { podman: "Left" } },
  "the name of the default network": { why: "Podman calls it podman", expected: { podman: "podman" } },
  "whether mounts of type tmpfs are listed": {
    why: "Podman 4.3 lists only binds and volumes",
    expected: { podman: false }
  },
  "how a stop signal is reported": { why: "Podman reports its number", expected: { podman: "2" } },
  "the default gateway": {
    why: "Podman assigns the gateway when it creates the network, Docker when the network is first used",
    expected: { podman: { gateway: expect.stringMatching(/^10\./) } }
  },
  "why a predefined network can't be removed": {
    why: "Podman checks for connected containers first",
    expected: { podman: expect.stringMatching(/^(InvalidRequest|ResourceInUse)$/) }
  },
  "when a stopped container's network is resolved": {
    why: "Podman resolves it at once, even if the container is not running",
    expected: { podman: "at once" }
  },
  "connecting to the networks host and none": {
    why: "Podman has no networks with these names",
    expected: { podman: "NetworkNotFound" }
  },
  "the end of a terminal whose output nobody reads": {
    why: "Podman forgets the process id of a command that has exited, so that only its output tells whether it was started",
    expected: { podman: { _tag: "Right", right: 127 } }
  },
  "the conflicting state": {
    why: "Podman reports the required state, not the actual one",
    expected: { podman: "unknown" }
  },
  "the status for an unsupported method": {
    why: "Podman distinguishes it from an unknown route",
    expected: { podman: 405 }
  },
  "the status for an invalid time": { why: "Podman treats it as a client error", expected: { podman: 400 } },
  "the status of an attach to a paused container": {
    why: "Podman answers 500 to every request that the container's state does not allow",
    expected: { podman: 500 }
  },
  "the name of an image": {
    why: "Podman reports images by their full names",
    expected: { podman: "docker.io/library/busybox:latest" }
  },
  "the digest of a pulled image": {
    why: "Podman lists every digest that an image has ever had, so that with several it is not known which one was pulled",
    expected: {
      podman: expect.toSatisfy(
        (digest: unknown) => digest === undefined || /^sha256:[0-9a-f]{64}$/.test(String(digest))
      )
    }
  },
  "the timestamps of log lines": {
    why: "Podman's API returns timestamps in whole seconds, but filters by nanoseconds",
    expected: { podman: "seconds" }
  },
  "log rotation": {
    why: "Podman rotates logs in its own way, and accepts any size limit",
    expected: { podman: "other" }
  },
  "a last line without a newline": {
    why: "Podman's tail joins it to the line before it",
    expected: { podman: "echo three" }
  },
  "the state between two runs": {
    why: "Podman reports exited where Docker reports restarting, so a wait for the exit may return before the next run",
    expected: { podman: expect.toSatisfy((count: number) => count === 0 || count === 1) }
  },
  "events at the bounds of a time range": {
    why: "Podman excludes the bounds",
    expected: { podman: [] }
  },
  "the fields of a ping": {
    why: "20.10 does not report the builder, Podman neither the builder nor the operating system",
    expected: {
      "20.10": { osType: "linux", builderVersion: "", experimental: false },
      podman: { osType: "", builderVersion: "", experimental: true }
    }
  },
  "the mode of a hard-linked file": {
    why: "before 28, setting the owner of a hard link clears the set-user-id bit of the file",
    expected: { "28.5": 0o4711 }
  },
  "a path below a file": {
    why: "20.10 and Podman notice it only when they write",
    expected: { "20.10": "InvalidRequest", podman: "InvalidRequest" }
  },
  "the type parameter of disk usage": { why: "API 1.42 added it", expected: { "20.10": "all" } },
  "the size of a container that never ran": {
    why: "an engine that keeps its images in containerd counts the block of its directory",
    expected: { "28.5-containerd": 4096 }
  },
  "pruning images that have a name": {
    why: "Podman 4.3 prunes only dangling images in its Docker API",
    expected: { podman: expect.objectContaining({ _tag: "InvalidRequest", field: "all" }) }
  },
  "the name of the engine": { why: "Podman reports its own", expected: { podman: "Podman Engine" } },
  "importing for another platform": {
    why: "20.10 ignores the platform, and Podman 4.3 its variant",
    expected: { "20.10": otherPlatform, podman: otherPlatform }
  },
  "the status of a network prune with an invalid time": {
    why: "20.10 treats it as a server error",
    expected: { "20.10": 500 }
  },
  "network names": {
    why: "Podman allows only letters, digits, '_', '.' and '-'",
    expected: { podman: "plain" }
  },
  "layers of the same content": {
    why: "images of the engine in memory do not share a layer that they import, so that it goes with the image",
    expected: { memory: 1 }
  },
  "the bytes of busybox": {
    why: "the commands of the engine in memory are programs, not files",
    expected: { memory: 10_000 }
  },
  "what RUN instructions do": {
    why: "the engine in memory does only what it is told that they do",
    expected: { memory: "as told" }
  },
  "the sequence of events": {
    why: "Podman emits events of its own, and none for networks and mounts",
    expected: { podman: podmanEvents }
  }
} as const satisfies Record<string, Difference>

/** The name of a difference. */
export type DifferenceName = keyof typeof differences

/** Error messages of 26.1 and their wording on other engines, which reaches the caller unchanged in `detail`. */
const messages: Partial<Record<Edition, ReadonlyArray<readonly [RegExp, string | RegExp]>>> = {
  "20.10": [
    [/^(failed to prune build cache: )?invalid filter '/, "$1Invalid filter '"],
    [
      /^lstat \/w\//,
      /^lstat \/.+: (not a directory|too many levels of symbolic links)$|^extraction point|too many links in \//
    ],
    [/too many links/, /too many links in \//],
    [/^(cannot overwrite|open \/w\/)/, "Error processing tar file(exit status 1): $1"],
    [/^cannot kill container: (.*: )container/, "Cannot kill container: $1Container"],
    [/^container (\w+ is not running)$/, "Container $1"],
    [/^failed to create task for container: /, ""],
    [/^invalid network config:/, /^failed to allocate gateway/],
    [/^invalid endpoint settings:/, /^Invalid address 1\.2\.3\.4/],
    [
      /^cannot remove container "\/\S+": container is (running|paused)/,
      /^You cannot remove a (running|paused) container/
    ]
  ],
  "28.5": [
    [/^(cannot overwrite \S+) "\/w\//, '$1 "'],
    [/^open \/w\/file\/x/, "openat file/x"],
    [
      /^cannot remove container "\/\S+": (container is \w+)/,
      /^cannot remove container "\w+": container is (running: stop|paused and must)/
    ],
    [
      /^error while removing network: network (\S+) id \w+ has active endpoints$/,
      /^error while removing network: network \S+ has active endpoints \(name:/
    ],
    [
      /^(invalid filter 'status=red')$/,
      "$1: invalid value for state (red): must be one of created, running, paused, restarting, removing, exited, dead"
    ],
    [/: unknown$/, ""],
    [/^Pool overlaps/, "invalid pool request: Pool overlaps"],
    [
      /^container cannot be disconnected from host network or connected to host network$/,
      "cannot connect container to host network - container must be created in host network mode"
    ]
  ]
}

/** What a cell expects from the engine that it runs on. */
export interface Expectations {
  readonly edition: Edition
  /** The value expected from this engine: `usual` if it does not differ from 26.1. */
  readonly expected: (name: DifferenceName, usual: unknown) => unknown
  /** This engine's wording of a message of 26.1. */
  readonly message: (detail: unknown) => unknown
  /** The differences that the cell has come across. */
  readonly differed: () => ReadonlyArray<{ readonly what: string; readonly why: string }>
}

/** The expectations for an engine of this edition. */
export const expectationsOf = (edition: Edition): Expectations => {
  const used = new Map<DifferenceName, string>()
  // Where images are stored makes a difference for images only.
  const base = edition === "28.5-containerd" ? "28.5" : edition
  return {
    edition,
    expected: (name, usual) => {
      const { expected, why }: Difference = differences[name]
      const known = [edition, base].find((candidate) => Object.hasOwn(expected, candidate))
      if (known === undefined) return usual
      used.set(name, why)
      return expected[known]
    },
    message: (detail) => {
      if (edition === "podman") return expect.stringMatching(/./)
      if (typeof detail !== "string") return detail
      const [theirs, own] = (messages[edition] ?? messages[base] ?? []).find(([theirs]) => theirs.test(detail)) ?? []
      if (theirs === undefined || own === undefined) return detail
      return typeof own === "string" ? detail.replace(theirs, own) : expect.stringMatching(own)
    },
    differed: () => Array.from(used, ([what, why]) => ({ what, why }))
  }
}

/** The expectations for the engine of the running cell. */
export class Expected extends Context.Reference<Expected>()("test/conformance/Expected", {
  defaultValue: () => expectationsOf("memory")
}) {}

/**
 * How often a failed cell is retried. Podman's lists and networks fail when other cells create or remove containers. Where
 * images are in containerd, a prune breaks pulls, saves and other prunes that are under way: moby/moby#53321.
 */
export const retriesOn = (engine: EngineName): number => (engine === "podman" || engine === "28.5-containerd" ? 2 : 0)

/** Cells that an engine does not support. `cells` matches `Service.method: column`. */
interface Unsupported {
  readonly edition: Edition
  readonly cells: RegExp
  readonly why: string
}

const unsupported: ReadonlyArray<Unsupported> = [
  {
    edition: "memory",
    cells: /^Images\.(pull|push): (success|missing)$/,
    why: "the engine in memory that runs the table has no registries"
  },
  {
    edition: "memory",
    cells: /^Compose\.(up|config): bad input$/,
    why: "projects in memory are scripted, and not read from files"
  },
  {
    edition: "podman",
    cells: /^Containers\.update: (success|missing|bad input)$/,
    why: "Podman 4.3 has no such route in its Docker API"
  },
  {
    edition: "podman",
    cells: /^Images\.pruneBuildCache: success$/,
    why: "Podman has no build cache apart from its images"
  },
  {
    edition: "podman",
    cells: /^Compose\.build: success$/,
    why: "Podman has no BuildKit, with which compose builds"
  },
  {
    edition: "podman",
    cells: /^Exec\.startDetached: success$/,
    why: "Podman 4.3 reports a detached command as running even after it has exited"
  },
  {
    edition: "podman",
    cells: /^Archive\.(stat|get|readFileString): bad input$/,
    why: "Podman accepts the path of a file with a trailing slash"
  },
  {
    edition: "podman",
    cells: /^Archive\.stat: success$/,
    why: "Podman reports the name and size of a link's target"
  },
  {
    edition: "podman",
    cells: /^System\.info: success$/,
    why: "Podman counts containers that never ran only in the total, and does not report the default log driver"
  },
  {
    edition: "podman",
    cells: /^Archive\.get: success$/,
    why: "directory names in Podman's archives have no trailing slash"
  },
  {
    edition: "podman",
    cells: /^Archive\.(put: (missing|bad input)|writeFile: missing)$/,
    why: "Podman creates a missing directory, and reports a file in the place of a directory in its own way"
  },
  {
    edition: "podman",
    cells: /^System\.prune: (success|missing)$/,
    why: "Podman 4.3 rejects the filter that the docker command sends to prune all images"
  },
  {
    edition: "podman",
    cells: /^Docker\.json: bad input$/,
    why: "Podman 4.3 has no build cache, and rejects filters in its own way"
  }
]

/** Why this cell can't pass on this engine, or `undefined` if it must pass. */
export const unsupportedReason = (edition: Edition, method: string, column: string): string | undefined =>
  unsupported.find((entry) => entry.edition === edition && entry.cells.test(`${method}: ${column}`))?.why
