/** The releases of Node that the table is run under, newest of their line when they were chosen. */
export const nodeReleases = { "20": "20.20.2", "22": "22.23.3", "24": "24.21.0" } as const

/** A line of Node. */
export type NodeLine = keyof typeof nodeReleases

/** Whether it is one of them. */
export const isNodeLine = (line: string): line is NodeLine => Object.hasOwn(nodeReleases, line)

/** The line of the Node that runs this. */
export const ownLine = process.versions.node.split(".")[0] ?? ""

/** The command that runs a line's Node: this one's own, or one that npm fetches for this machine. */
export const nodeCommand = (line: string): ReadonlyArray<string> =>
  line === ownLine || !isNodeLine(line)
    ? [process.execPath]
    : ["npx", "--yes", `--package=node-${process.platform}-${process.arch}@${nodeReleases[line]}`, "--", "node"]
