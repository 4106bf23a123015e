import { useModel } from "../model/PageModel.js"
import type { Stacks } from "./Stacks.js"

const toneOf = (line: string): string | undefined => {
  if (/^(\+\+\+|---|@@)/.test(line)) return "place"
  return line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : undefined
}

const Diff = ({ text }: { readonly text: string }) => (
  <pre class="diff" tabIndex={0} role="region" aria-label="The difference">
    {text
      .replace(/\n$/, "")
      .split("\n")
      .map((line, index) => (
        <span key={index} data-tone={toneOf(line)}>
          {line}
          {"\n"}
        </span>
      ))}
  </pre>
)

/** How the compose file differs from what its URL leads to now, before it is replaced. */
export const FileCheck = ({ name, stacks }: { readonly name: string; readonly stacks: Stacks }) => {
  const { operations, session } = useModel()
  const check = stacks.check.value
  if (check === undefined || check.kind === "running") return null
  if (check.kind === "failed") {
    return (
      <p class="banner" role="alert">
        <span>{check.reason}</span>
        <button type="button" onClick={() => void stacks.compare(name)}>
          Try again
        </button>
      </p>
    )
  }
  if (!check.changed) {
    return (
      <p class="notice" data-tone="info" role="status">
        The compose file is what its URL leads to.
      </p>
    )
  }
  return (
    <section class="file-check" aria-label="Update">
      <p role="status">
        Its URL leads to another compose file. An update replaces the file; the containers stay as they are until “Up”.
      </p>
      <Diff text={check.diff} />
      {session.may("operate") && (
        <p class="buttons">
          <button
            type="button"
            onClick={() => {
              stacks.check.value = undefined
            }}
          >
            Keep the file
          </button>
          <button
            type="button"
            disabled={operations.starting.value}
            onClick={() => {
              stacks.check.value = undefined
              void stacks.run("update", name)
            }}
          >
            Update the file
          </button>
        </p>
      )}
    </section>
  )
}
