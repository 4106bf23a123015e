import type { Stack } from "./Stacks.js"

const shapes = { up: "running", partial: "paused", down: "exited", unknown: "dead" } as const

/** How a stack is, as a shape, which colors only help to tell apart, and as a word. */
export const StackStatus = ({ status }: Pick<Stack, "status">) => (
  <span class="state" data-state={shapes[status]}>
    <span class="dot" aria-hidden="true" />
    {status}
  </span>
)

/** Where the compose file comes from. */
export const sourceText = ({ configFiles, source }: Pick<Stack, "configFiles" | "source">): string => {
  if (source === undefined) return configFiles.length === 0 ? "not added" : `not added; from ${configFiles.join(", ")}`
  return source._tag === "Url" ? source.url : source.path
}

/** How many of its services run, and which are missing. */
export const servicesText = ({ done, missing, services }: Pick<Stack, "done" | "missing" | "services">): string => {
  const total = new Set([...Object.keys(services), ...missing, ...done]).size
  if (total === 0) return ""
  const running = Object.values(services).filter((states) => states.includes("running")).length
  const parts = [`${running} of ${total} ${total === 1 ? "service" : "services"} running`]
  if (done.length > 0) parts.push(`done: ${done.join(", ")}`)
  if (missing.length > 0) parts.push(`missing: ${missing.join(", ")}`)
  return parts.join(" · ")
}
