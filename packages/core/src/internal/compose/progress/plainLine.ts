import { type ComposeEvent, composeEvent, isVerb, resourceOf } from "./composeEvent.js"

const kindAndName = /^ ((?:Container|Network|Volume|Image|Service|Config|Secret) .*?) {2}(\S.*?) ?$/

/** What is pulled: a service, or a layer without its service. */
const pulled =
  /^ ([\w.-]+) (Pulling fs layer|Verifying Checksum|Download complete|Pull complete|Already exists|Downloading|Extracting|Pulling|Pulled|Waiting|Interrupted|Skipped|Error|Warning|Built)(?: (.*?))? ?$/

const layerId = /^[0-9a-f]{12}$/

const bar = /^\[[=> ]*\]\s+([\d.]+)([kMGT]?B)(?:\/([\d.]+)([kMGT]?B))?$/

const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** Bytes, as exactly as they are printed. */
const bytes = (number: string | undefined, unit: string | undefined): number | undefined =>
  number === undefined ? undefined : Math.round(Number(number) * (units[unit ?? "B"] ?? 1))

const amountsOf = (text: string): Pick<ComposeEvent, "current" | "total"> | undefined => {
  const match = bar.exec(text)
  if (match === null) return undefined
  const [current, total] = [bytes(match[1], match[2]), bytes(match[3], match[4])]
  return { ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) }
}

/** Reads a line of `--progress plain`, as version 2 prints it. `undefined` if it is about no resource. */
export const plainEvent = (line: string): ComposeEvent | undefined => {
  const [, id, word] = kindAndName.exec(line) ?? []
  if (id !== undefined && word !== undefined) return composeEvent(resourceOf(id), word, "")
  const [, name, verb, rest = ""] = pulled.exec(line) ?? []
  if (name === undefined || verb === undefined || !isVerb(verb)) return undefined
  const resource = layerId.test(name) ? ({ kind: "layer", name } as const) : resourceOf(name)
  const amounts = amountsOf(rest)
  if (amounts !== undefined) return composeEvent(resource, verb, "", amounts)
  return composeEvent(resource, verb, rest.replace(/^- /, ""))
}
