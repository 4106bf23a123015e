import * as Effect from "effect/Effect"
import type { LogStream } from "../../../LogEvent.js"
import { ComposeStep } from "../composeStep.js"
import { type Act, type Acting, containersOfProject, failed, namedServices, ofProject, valueOf } from "./acting.js"

const settings = (acting: Acting) => {
  const environment = Object.fromEntries(
    (acting.command.values.get("--env") ?? []).map((given) => {
      const [name = "", ...value] = given.split("=")
      return [name, value.join("=")]
    })
  )
  const [user, workingDirectory] = [valueOf(acting, "--user"), valueOf(acting, "--workdir")]
  return {
    environment,
    ...(user === undefined ? {} : { user }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(acting.command.flags.has("--privileged") ? { privileged: true } : {})
  }
}

/** Executes a command in a container of a service. */
export const execCommand: Act = (acting) =>
  Effect.gen(function* () {
    const [name = "", ...argv] = acting.command.words
    if (name === "" || argv.length === 0) return yield* failed(acting, "Failed", "requires a service and a command")
    yield* namedServices(acting, [name])
    const number = Number(valueOf(acting, "--index") ?? 1)
    const container = (yield* containersOfProject(acting)).find(
      (found) => found.service === name && found.number === number && found.state === "running"
    )
    if (container === undefined) {
      return yield* failed(acting, "Failed", `service "${name}" is not running`, { service: name })
    }
    const { exec } = acting.hands
    if (acting.command.flags.has("--detach")) {
      return yield* Effect.asVoid(ofProject(acting, name)(exec.startDetached(container.id, argv, settings(acting))))
    }
    const { exitCode, stderr, stdout } = yield* ofProject(acting, name)(exec.run(container.id, argv, settings(acting)))
    const tellAll = (text: string, stream: LogStream) =>
      Effect.forEach(
        text === "" ? [] : text.replace(/\n$/, "").split("\n"),
        (line) => acting.tell(ComposeStep.line(line, stream)),
        { discard: true }
      )
    yield* tellAll(stdout, "stdout")
    yield* tellAll(stderr, "stderr")
    if (exitCode !== 0) {
      return yield* failed(acting, "Failed", `the command exited with code ${exitCode}`, { exitCode })
    }
  })
