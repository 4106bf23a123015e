import type { BuilderError } from "./buildOutput.js"

/** How builders say that a command failed. A command may contain the same words, so the last ones count. */
const texts: ReadonlyArray<RegExp> = [
  // BuildKit.
  /^.*did not complete successfully: exit code: (\d+)/s,
  // BuildKit of Docker 20.10.
  /^.*executor failed running \[.*\]: exit code: (\d+)/s,
  // Podman.
  /^.*while running runtime: exit status (\d+)/s
]

/** The exit code of the command that failed, if the build failed because of a command. */
export const exitCodeOf = ({ code, detail }: BuilderError): number | undefined => {
  if (code !== undefined) return code
  for (const text of texts) {
    const found = text.exec(detail)?.[1]
    if (found !== undefined) return Number(found)
  }
  return undefined
}
