import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** How a child ended: what its last line of output says, parsed, or the last words of one that failed. */
export type ChildResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string }

/**
 * Runs a script of this folder in a process of its own, so that what it measures is of it alone, and what it breaks too.
 * Its last line of output is its result, as JSON.
 */
export const runChild = (script: string, args: ReadonlyArray<string>): Promise<ChildResult> =>
  new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL(script, import.meta.url))
    const child = spawn(process.execPath, ["--import", "tsx", file, ...args], { stdio: ["ignore", "pipe", "pipe"] })
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
      const words = errors.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? errors.trim().split("\n").at(-1)
      resolve({ ok: false, reason: words === undefined || words === "" ? `it ended with ${signal ?? code}` : words })
    })
  })

/** As `runChild`, for a child that must not fail. */
export const childValue = async (script: string, args: ReadonlyArray<string>): Promise<unknown> => {
  const result = await runChild(script, args)
  if (!result.ok) throw new Error(`${script} ${args.join(" ")}: ${result.reason}`)
  return result.value
}

/** The number under a name in a child's result. */
export const numberAt = (value: unknown, name: string): number => {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined
  if (typeof found !== "number") throw new Error(`A child gave no number ${name}: ${JSON.stringify(value)}`)
  return found
}
