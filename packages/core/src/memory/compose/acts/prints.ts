import * as Effect from "effect/Effect"
import { ComposeStep } from "../composeStep.js"
import { projectConfig } from "../resolvedProject.js"
import { type Act, namedServices, takesPart } from "./acting.js"

/** Prints what the project consists of. What is not JSON of one line is YAML all the same. */
export const config: Act = (acting) =>
  Effect.gen(function* () {
    const { flags, words } = acting.command
    yield* namedServices(acting)
    const services = acting.project.services.filter(
      (service) => takesPart(acting, service) && (words.length === 0 || words.includes(service.name))
    )
    const lines = flags.has("--quiet")
      ? []
      : flags.has("--services")
        ? services.map(({ name }) => name)
        : JSON.stringify(projectConfig(acting.project, services), undefined, 2).split("\n")
    for (const line of lines) yield* acting.tell(ComposeStep.line(line, "stdout"))
  })

/** Prints the version. */
export const versionOf =
  (version: string): Act =>
  ({ command, tell }) =>
    tell(ComposeStep.line(command.flags.has("--short") ? version : `Docker Compose version v${version}`, "stdout"))
