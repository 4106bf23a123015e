import { cleanPath } from "../../state/fileTree.js"
import type { ImageConfig } from "../../state/images/imageContent.js"
import { expand, type Instruction, jsonWords, words } from "./dockerfile.js"

/** What an instruction changes, and how the image's history names it. */
export interface ConfigChange {
  readonly config: ImageConfig
  readonly createdBy: string
}

/** `NAME=value` entries, or a single `NAME value` in the old form. */
const pairs = (text: string): ReadonlyArray<readonly [string, string]> => {
  const all = words(text)
  const [first = ""] = all
  if (!first.includes("=")) return [[first, text.trim().slice(first.length).trim()]]
  return all.map((word) => {
    const at = word.indexOf("=")
    return at < 0 ? ([word, ""] as const) : ([word.slice(0, at), word.slice(at + 1)] as const)
  })
}

/** Entries of an environment with some of them set. */
export const setVariables = (
  env: ReadonlyArray<string>,
  entries: ReadonlyArray<readonly [string, string]>
): ReadonlyArray<string> => {
  const variables = new Map(
    env.map((entry) => {
      const at = entry.indexOf("=")
      return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)]
    })
  )
  for (const [name, value] of entries) variables.set(name, value)
  return Array.from(variables, ([name, value]) => `${name}=${value}`)
}

const shell = ["/bin/sh", "-c"]

const commandWords = (text: string): ReadonlyArray<string> => jsonWords(text) ?? [...shell, text.trim()]

const quoted = (list: ReadonlyArray<string>): string => `[${list.map((word) => JSON.stringify(word)).join(" ")}]`

const healthTest = (text: string): ReadonlyArray<string> => {
  const [, command = ""] = /^CMD\s+([^]*)$/i.exec(text.trim()) ?? []
  if (/^NONE$/i.test(text.trim())) return ["NONE"]
  const list = jsonWords(command)
  return list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list]
}

const union = (list: ReadonlyArray<string>, added: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([...list, ...added])
]

/** Applies an instruction that only changes the image's configuration. `undefined` for one that does more. */
export const configChange = (
  config: ImageConfig,
  { argument, keyword }: Instruction,
  variables: Readonly<Record<string, string>>
): ConfigChange | undefined => {
  const text = expand(argument, variables)
  const change = (changes: Partial<ImageConfig>, shown: string): ConfigChange => ({
    config: { ...config, ...changes },
    createdBy: `/bin/sh -c #(nop)  ${keyword} ${shown}`
  })
  switch (keyword) {
    case "ENV":
      return change(
        { env: setVariables(config.env, pairs(text)) },
        pairs(text)
          .map((pair) => pair.join("="))
          .join(" ")
      )
    case "LABEL":
      return change(
        { labels: { ...config.labels, ...Object.fromEntries(pairs(text)) } },
        pairs(text)
          .map((pair) => pair.join("="))
          .join(" ")
      )
    case "EXPOSE": {
      const ports = words(text)
      const keys = ports.map((port) => (port.includes("/") ? port : `${port}/tcp`))
      return change({ exposedPorts: union(config.exposedPorts, keys) }, ports.join(" "))
    }
    case "VOLUME": {
      const paths = jsonWords(text) ?? words(text)
      return change({ volumes: union(config.volumes, paths) }, `[${paths.join(" ")}]`)
    }
    case "USER":
      return change({ user: text }, text)
    case "WORKDIR": {
      const path = text.startsWith("/") ? text : `${config.workingDirectory}/${text}`
      const workingDirectory = cleanPath(path)
      return { config: { ...config, workingDirectory }, createdBy: `/bin/sh -c #(nop) WORKDIR ${workingDirectory}` }
    }
    case "STOPSIGNAL":
      return change({ stopSignal: text }, text)
    case "CMD":
      return change({ command: commandWords(argument) }, quoted(commandWords(argument)))
    case "ENTRYPOINT":
      return change({ entrypoint: commandWords(argument), command: undefined }, quoted(commandWords(argument)))
    case "HEALTHCHECK":
      return change({ healthTest: healthTest(argument) }, `&{${quoted(healthTest(argument))}}`)
    case "ONBUILD":
      return change({ onBuild: [...config.onBuild, argument] }, argument)
    case "ARG":
    case "MAINTAINER":
    case "SHELL":
      return change({}, argument)
    default:
      return undefined
  }
}
