import { Context } from "effect"
import { expect } from "vitest"
import type { Edition, EngineName } from "./engineName.js"

/** What is expected of an engine in place of what the others do. */
interface Difference {
  readonly why: string
  readonly expected: Partial<Record<Edition, unknown>>
}

/** How a container comes and goes on Podman. */
const podmanEvents = "volume create, container create, container init, container start, container pause"
  .concat(", container unpause, container rename, container kill, container die, container cleanup")
  .concat(", container destroy, volume destroy")
  .split(", ")

/** In what the engines differ, and why that is right. All other cells hold on all of them to the letter. */
const differences = {
  "the words of ps": {
    why: "a real engine hands on what the host's ps says; the engine in memory has no ps",
    expected: { memory: "ps: error: unsupported option: --nonsense" }
  },
  "the status where ps refuses": {
    why: "Podman answers 200 with an empty body where it can't list processes",
    expected: { podman: 200 }
  },
  "the columns of ps": {
    why: "Podman runs the ps that is in the container, here busybox's",
    expected: { podman: ["PID", "USER", "COMMAND"] }
  },
  "the exit code of what was removed": {
    why: "a wait for the removal gives 0 on Podman 4.3: it has forgotten the exit code by then",
    expected: { podman: 0 }
  },
  "the exit code of what never ran": { why: "Podman gives -1", expected: { podman: -1 } },
  "what create can't know": {
    why: "Podman looks at limits, restart policies and log drivers only when the container is started",
    expected: { podman: true }
  },
  "the refusal of a restart policy": {
    why: "it was worded anew with API 1.44",
    expected: { "20.10": "invalid restart policy 'foo'" }
  },
  "what is left of a start in vain": {
    why: "Podman notes neither why a start failed nor an exit code for it",
    expected: { podman: expect.objectContaining({ status: "created", exitCode: 0 }) }
  },
  "a rename to its own name": { why: "Podman sees no harm in it", expected: { podman: "done" } },
  "the label of an anonymous volume": {
    why: "engines before API 1.42, and Podman, don't mark volumes whose name they made up",
    expected: { "20.10": {}, podman: {} }
  },
  "the networks that are there": {
    why: "Podman has no networks host and none, only modes of that name",
    expected: { podman: ["bridge"] }
  },
  "the filter for types of networks": { why: "Podman has no such filter", expected: { podman: "Left" } },
  "a gateway that nobody asked for": {
    why: "Podman picks the gateway when it makes the network, Docker's engine when it is first used",
    expected: { podman: { gateway: expect.stringMatching(/^10\./) } }
  },
  "why a built-in network stays": {
    why: "Podman looks first for containers on it",
    expected: { podman: expect.stringMatching(/^(InvalidRequest|ResourceInUse)$/) }
  },
  "when the network of a stopped container is looked for": {
    why: "Podman looks for the network at once, also for a container that doesn't run",
    expected: { podman: "at once" }
  },
  "why nobody is connected to host and none": {
    why: "Podman has no networks of these names",
    expected: { podman: "NetworkNotFound" }
  },
  "the state that stands in the way": {
    why: "Podman says in which state the container must be, and not in which it is",
    expected: { podman: "unknown" }
  },
  "the exit code of a command that is not there": {
    why: "from 28 on, and on Podman, it is the shell's 127; before, 126",
    expected: { "28.5": 127, podman: 127 }
  },
  "the status of a route without this method": {
    why: "Podman tells it from an unknown route",
    expected: { podman: 405 }
  },
  "the status of a time that is none": { why: "Podman takes it for the client's fault", expected: { podman: 400 } },
  "the status of an attach to a paused container": {
    why: "Podman answers 500 to whatever the state of a container forbids",
    expected: { podman: 500 }
  },
  "the name of an image": {
    why: "Podman tells of images by their full names",
    expected: { podman: "docker.io/library/busybox:latest" }
  },
  "the times of log lines": {
    why: "Podman's API gives the times of log lines in whole seconds, and filters by the nanoseconds that it keeps to itself",
    expected: { podman: "seconds" }
  },
  "the rotation of logs": {
    why: "Podman cuts a log that is full in its own way, and starts a container whatever its log's size is to be",
    expected: { podman: "other" }
  },
  "the end of a log without a newline": {
    why: "Podman's tail joins a last line without a newline to the one before it",
    expected: { podman: "echo three" }
  },
  "a container between two runs": {
    why: "Podman calls it exited where Docker says restarting, so a wait for its end may be over before the next run",
    expected: { podman: expect.toSatisfy((count: number) => count === 0 || count === 1) }
  },
  "events at the very ends of a range": {
    why: "on Podman the ends don't belong to the range",
    expected: { podman: [] }
  },
  "what a ping tells": {
    why: "20.10's ping has no builder, Podman's neither that nor the system",
    expected: {
      "20.10": { osType: "linux", builderVersion: "", experimental: false },
      podman: { osType: "", builderVersion: "", experimental: true }
    }
  },
  "the mode of a file with two names": {
    why: "before 28 the kernel takes set-user-id from a file that gets a second name with an owner",
    expected: { "28.5": 0o4711 }
  },
  "a path that goes on behind a file": {
    why: "20.10 and Podman see it only when they write",
    expected: { "20.10": "InvalidRequest", podman: "InvalidRequest" }
  },
  "the types of disk usage": { why: "before API 1.42 there are none to choose from", expected: { "20.10": "all" } },
  "what the engine calls itself": { why: "Podman is one", expected: { podman: "Podman Engine" } },
  "the status of a network prune by a time that is none": {
    why: "20.10 takes it for its own fault",
    expected: { "20.10": 500 }
  },
  "the names of networks": {
    why: "on Podman they hold letters, digits, '_', '.' and '-' alone",
    expected: { podman: "plain" }
  },
  "the order of events": {
    why: "Podman has events of its own, and none for networks and mounts",
    expected: { podman: podmanEvents }
  }
} as const satisfies Record<string, Difference>

/** The name of a difference. */
export type DifferenceName = keyof typeof differences

/** How an engine words what 26.1 says; its words reach the caller as they are, in `detail`. */
const words: Partial<Record<Edition, ReadonlyArray<readonly [RegExp, string | RegExp]>>> = {
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

/** What a cell expects of the engine that it runs on. */
export interface Expectations {
  readonly edition: Edition
  /** What this engine does, `usual` where it does as 26.1. */
  readonly expected: (name: DifferenceName, usual: unknown) => unknown
  /** This engine's own words for those of 26.1. */
  readonly words: (detail: unknown) => unknown
  /** The differences that it was told of. */
  readonly differed: () => ReadonlyArray<{ readonly what: string; readonly why: string }>
}

/** What is expected of an engine of this edition. */
export const expectationsOf = (edition: Edition): Expectations => {
  const told = new Map<DifferenceName, string>()
  return {
    edition,
    expected: (name, usual) => {
      const { expected, why }: Difference = differences[name]
      if (!Object.hasOwn(expected, edition)) return usual
      told.set(name, why)
      return expected[edition]
    },
    words: (detail) => {
      if (edition === "podman") return expect.stringMatching(/./)
      if (typeof detail !== "string") return detail
      const [theirs, own] = (words[edition] ?? []).find(([theirs]) => theirs.test(detail)) ?? []
      if (theirs === undefined || own === undefined) return detail
      return typeof own === "string" ? detail.replace(theirs, own) : expect.stringMatching(own)
    },
    differed: () => Array.from(told, ([what, why]) => ({ what, why }))
  }
}

/** What the running cell expects. */
export class Expected extends Context.Reference<Expected>()("test/conformance/Expected", {
  defaultValue: () => expectationsOf("memory")
}) {}

/** How often a cell is tried again: Podman's lists and networks stumble over containers that come and go meanwhile. */
export const retriesOn = (engine: EngineName): number => (engine === "podman" ? 2 : 0)

/** What an engine has not. `cells` are matched with `Service.method: column`. */
interface Lack {
  readonly edition: Edition
  readonly cells: RegExp
  readonly why: string
}

const lacks: ReadonlyArray<Lack> = [
  {
    edition: "podman",
    cells: /^Containers\.update: (success|missing|bad input)$/,
    why: "Podman 4.3 has no route for it in Docker's API"
  },
  {
    edition: "podman",
    cells: /^Archive\.(stat|get|readFileString): bad input$/,
    why: "Podman takes a file's path with a slash behind it for the file"
  },
  {
    edition: "podman",
    cells: /^Archive\.stat: success$/,
    why: "of a link Podman gives the name and the size of what it leads to"
  },
  {
    edition: "podman",
    cells: /^System\.info: success$/,
    why: "Podman counts containers that have never run in their sum alone, and doesn't tell the usual driver of logs"
  },
  {
    edition: "podman",
    cells: /^Archive\.get: success$/,
    why: "the names of folders in Podman's tars have no slash at the end"
  },
  {
    edition: "podman",
    cells: /^Archive\.(put: (missing|bad input)|writeFile: missing)$/,
    why: "Podman makes a folder that is not there, and says in its own way that a file is none"
  },
  {
    edition: "podman",
    cells: /^System\.prune: (success|missing)$/,
    why: "Podman 4.3 refuses to prune images with the filter that docker itself sends for all of them"
  },
  {
    edition: "podman",
    cells: /^Docker\.json: bad input$/,
    why: "Podman 4.3 has no build cache, and refuses filters in its own ways"
  }
]

/** Why this cell can't hold on this engine, `undefined` where it must. */
export const lackOf = (edition: Edition, method: string, column: string): string | undefined =>
  lacks.find((lack) => lack.edition === edition && lack.cells.test(`${method}: ${column}`))?.why
