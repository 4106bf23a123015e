import type { LogLine } from "@dockwire/core/LogEvent"

/** A line of a container as the docker command prints it. */
export const lineText = ({ part, text }: LogLine): string => (part === undefined || part.last ? `${text}\n` : text)
