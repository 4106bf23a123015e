import { build } from "esbuild"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"

/** The result of a child: its last line of output, parsed, or the end of its error output if it failed. */
export type ChildResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string }

const built = new Map<string, Promise<string>>()

/**
 * A script of this folder as JavaScript. A TypeScript loader rewrites every module, even those of the built packages, which
 * makes them up to a third slower.
 */
const plainScript = (script: string): Promise<string> => {
  const known = built.get(script)
  if (known !== undefined) return known
  const outfile = fileURLToPath(new URL(`../../.cache/bench/${script.replace(/\.ts$/, ".mjs")}`, import.meta.url))
  const bundle = build({
    entryPoints: [fileURLToPath(new URL(script, import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "warning"
  }).then(() => outfile)
  built.set(script, bundle)
  return bundle
}

/** Starts a script of this folder in plain Node, with piped standard input and output. */
export const startChild = async (
  script: string,
  args: ReadonlyArray<string>
): Promise<ChildProcessByStdio<Writable, Readable, null>> =>
  spawn(process.execPath, [await plainScript(script), ...args], { stdio: ["pipe", "pipe", "inherit"] })

/**
 * Runs a script of this folder in a separate process, so that its measurements and its crashes are its own. Its last line
 * of output is its result, as JSON.
 */
export const runChild = async (script: string, args: ReadonlyArray<string>): Promise<ChildResult> => {
  const file = await plainScript(script)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    let errors = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
    child.on("error", reject)
    child.on("close", (code, signal) => {
      if (code === 0) {
        const value: unknown = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "")
        return resolve({ ok: true, value })
      }
      const lastError = errors.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? errors.trim().split("\n").at(-1)
      resolve({
        ok: false,
        reason: lastError === undefined || lastError === "" ? `it exited with ${signal ?? code}` : lastError
      })
    })
  })
}

/** Like `runChild`, but throws if the child fails. */
export const childValue = async (script: string, args: ReadonlyArray<string>): Promise<unknown> => {
  const result = await runChild(script, args)
  if (!result.ok) throw new Error(`${script} ${args.join(" ")}: ${result.reason}`)
  return result.value
}

/** A field of a child's result, or `undefined`. */
export const propertyAt = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

/** A number in a child's result. */
export const numberAt = (value: unknown, name: string): number => {
  const found = propertyAt(value, name)
  if (typeof found !== "number") throw new Error(`The child's result has no number ${name}: ${JSON.stringify(value)}`)
  return found
}

/** A text in a child's result. */
export const textAt = (value: unknown, name: string): string => {
  const found = propertyAt(value, name)
  if (typeof found !== "string") throw new Error(`The child's result has no text ${name}: ${JSON.stringify(value)}`)
  return found
}

/** An array of numbers in a child's result. */
export const numbersAt = (value: unknown, name: string): ReadonlyArray<number> => {
  const found = propertyAt(value, name)
  if (!Array.isArray(found)) throw new Error(`The child's result has no numbers ${name}: ${JSON.stringify(value)}`)
  return found.map(Number)
}
