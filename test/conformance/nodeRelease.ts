/** The releases of Node to run the table with, one for each major version. */
export const nodeReleases = { "20": "20.20.2", "22": "22.23.3", "24": "24.21.0" } as const

/** A major version of Node. */
export type NodeLine = keyof typeof nodeReleases

/** Checks that a major version is one of those. */
export const isNodeLine = (line: string): line is NodeLine => Object.hasOwn(nodeReleases, line)

/** The major version of the Node that is running. */
export const ownLine = process.versions.node.split(".")[0] ?? ""

/** The command that runs a release of Node, which npm fetches for this machine. */
export const fetchedNode = (version: string): ReadonlyArray<string> => [
  "npx",
  "--yes",
  `--package=node-${process.platform}-${process.arch}@${version}`,
  "--",
  "node"
]

/** The command that runs Node in a major version: the Node that is running, or one that npm fetches for this machine. */
export const nodeCommand = (line: string): ReadonlyArray<string> =>
  line === ownLine || !isNodeLine(line) ? [process.execPath] : fetchedNode(nodeReleases[line])
