/** The values of variables in a Dockerfile. */
type Variables = ReadonlyMap<string, string>

/** The character that continues a line: a backslash, unless a directive at the top of the file says otherwise. */
const escapeOf = (lines: ReadonlyArray<string>): string => {
  for (const line of lines) {
    const [, name = "", value = ""] = /^\s*#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? []
    if (name === "") break
    if (name.toLowerCase() === "escape") return value
  }
  return "\\"
}

/** The instructions of a Dockerfile, each as one line, without comments. */
const instructionsOf = (dockerfile: string): ReadonlyArray<string> => {
  const lines = dockerfile.replace(/^\uFEFF/, "").split(/\r?\n/)
  const escape = escapeOf(lines)
  const instructions: Array<string> = []
  let open: string | undefined
  for (const line of lines) {
    // Comments and empty lines do not end an instruction.
    if (/^\s*(#|$)/.test(line)) continue
    const trimmed = line.trimEnd()
    const isContinued = trimmed.endsWith(escape)
    open = (open ?? "") + (isContinued ? `${trimmed.slice(0, -1)} ` : trimmed)
    if (isContinued) continue
    instructions.push(open.trim())
    open = undefined
  }
  return open === undefined ? instructions : [...instructions, open.trim()]
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+alternative}`, and the same without the colon. */
const variable = /\$(?:(\w+)|\{(\w+)(?:(:?)([-+])([^}]*))?\})/g

const expand = (text: string, variables: Variables): string =>
  text.replace(variable, (_, plain, braced, colon, operator, word = "") => {
    const value = variables.get(String(plain ?? braced))
    const isSet = colon === ":" ? value !== undefined && value !== "" : value !== undefined
    if (operator === "-") return isSet ? (value ?? "") : String(word)
    return operator === "+" ? (isSet ? String(word) : "") : (value ?? "")
  })

const unquote = (text: string): string => text.replace(/^(["'])(.*)\1$/, "$2")

/** Reads an `ARG`: the build argument, or else the default, which may refer to earlier ones. */
const declare = (variables: Map<string, string>, declaration: string, buildArgs: Variables): void => {
  for (const part of declaration.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []) {
    const [, name = "", value] = /^(\w+)(?:=(.*))?$/s.exec(part) ?? []
    const chosen = buildArgs.get(name) ?? (value === undefined ? undefined : expand(unquote(value), variables))
    if (chosen !== undefined) variables.set(name, chosen)
  }
}

/** What `COPY --from` and `RUN --mount=..,from=` take files from. */
const sourcesOf = (instruction: string): ReadonlyArray<string> => {
  const flags = /^\w+((?:\s+--\S+)*)/.exec(instruction)?.[1] ?? ""
  return flags.split(/\s+/).flatMap((flag) => {
    const from = /^--from=(.+)$/i.exec(flag)?.[1] ?? /^--mount=(?:.*,)?from=([^,]+)/i.exec(flag)?.[1]
    return from === undefined ? [] : [unquote(from)]
  })
}

/**
 * The images that a Dockerfile can need for its target: those of `FROM`, `COPY --from` and `RUN --mount=from`, up to the end of
 * the target's stage. Names of stages and `scratch` are left out.
 */
export const dockerfileImages = (
  dockerfile: string,
  buildArgs: Variables = new Map(),
  target?: string
): ReadonlySet<string> => {
  const variables = new Map<string, string>()
  const stages = new Set<string>()
  const images = new Set<string>()
  let count = 0
  let isTarget = false
  const add = (image: string): void => {
    const isStage = stages.has(image.toLowerCase()) || (/^\d+$/.test(image) && Number(image) < count)
    if (image !== "" && image !== "scratch" && !isStage) images.add(image)
  }
  for (const instruction of instructionsOf(dockerfile)) {
    const [, keyword = "", rest = ""] = /^(\w+)\s+(.*)$/s.exec(instruction) ?? []
    switch (keyword.toUpperCase()) {
      case "ARG":
        if (count === 0) declare(variables, rest, buildArgs)
        break
      case "FROM": {
        if (isTarget) return images
        const [image = "", as = "", name = ""] = rest.split(/\s+/).filter((word) => !word.startsWith("--"))
        add(expand(unquote(image), variables))
        isTarget = target !== undefined && (String(count) === target || name.toLowerCase() === target.toLowerCase())
        if (as.toLowerCase() === "as" && name !== "") stages.add(name.toLowerCase())
        count++
        break
      }
      default:
        for (const source of sourcesOf(instruction)) add(expand(source, variables))
    }
  }
  return images
}
