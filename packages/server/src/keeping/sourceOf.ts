import type { LogSourceKey } from "../store/LogRecord.js"

const label = (name: string): string => `com.docker.compose.${name}`

/** What a container's log belongs to: a service of a compose project, or the container itself. */
export const sourceOf = (
  engine: string,
  container: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
): LogSourceKey => {
  const { labels, name } = container
  const project = labels[label("project")]
  const service = labels[label("service")]
  if (project === undefined || project === "" || service === undefined || service === "") return { engine, name }
  // `docker compose run` makes a container of a service that is not the service.
  const isOneOff = labels[label("oneoff")]?.toLowerCase() === "true"
  return { engine, project, name: isOneOff ? name : service }
}
