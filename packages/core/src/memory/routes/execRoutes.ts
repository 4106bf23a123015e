import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { nullable } from "../../internal/api/decode.js"
import { type Call, targetContainer, readBody, type Routes, jsonResponse } from "../calls/response.js"
import { attached } from "./attachRoutes.js"
import { requireRunning, processEnvironment, parseEnvironment, fileReader, said } from "../containers/startContainer.js"
import { type MemoryExec, newId } from "../state/engineState.js"
import { frame } from "../calls/streamFrame.js"
import { Process } from "../programs/process.js"
import { commandNotFound } from "../programs/resolveProgram.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

const CreateBody = Schema.Struct({
  Cmd: nullable(Schema.Array(Schema.String)),
  Env: nullable(Schema.Array(Schema.String)),
  AttachStdin: Schema.optional(Schema.Boolean),
  AttachStdout: Schema.optional(Schema.Boolean),
  AttachStderr: Schema.optional(Schema.Boolean),
  Tty: Schema.optional(Schema.Boolean)
})
const StartBody = Schema.Struct({ Detach: Schema.optional(Schema.Boolean), Tty: Schema.optional(Schema.Boolean) })

const execOf = ({ parameter, state }: Call): Effect.Effect<MemoryExec, ErrorResponse> => {
  const exec = state.execs.get(parameter)
  return exec === undefined ? errorResponse(404, `No such exec instance: ${parameter}`) : Effect.succeed(exec)
}

const isOver = ({ exitCode }: MemoryExec) => exitCode !== undefined

/** Runs the command. Gives the engine's words where it can't. */
const run = (call: Call, exec: MemoryExec, listen: (process: Process) => void): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const { command, container } = exec
    const action = command.join(" ")
    exec.begun = true
    yield* said(call.state, container, `exec_start: ${action}`, { execID: exec.id })
    const process = yield* Process.start(
      {
        image: container.settings.image,
        command,
        environment: exec.environment,
        tty: exec.tty,
        readFile: fileReader(container),
        exec: true,
        openStdin: exec.stdin
      },
      call.state,
      () => {},
      (_, exitCode) =>
        Effect.suspend(() => {
          exec.exitCode = exitCode
          return said(call.state, container, "exec_die", { execID: exec.id, exitCode: String(exitCode) })
        })
    )
    if (process === undefined) {
      exec.exitCode = 126
      yield* said(call.state, container, "exec_die", { execID: exec.id, exitCode: "126" })
      return `OCI runtime exec failed: exec failed: ${commandNotFound(command)}`
    }
    listen(process)
    exec.process = process
    return undefined
  })

/** What `/exec` and `/containers/{id}/exec` ask for. */
export const execRoutes: Routes = {
  "POST /containers/{id}/exec": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const asked = yield* readBody(CreateBody)(call)
      const command = asked.Cmd ?? []
      if (command.length === 0) return yield* errorResponse(400, "No exec command specified")
      if (container.status === "paused") {
        return yield* errorResponse(409, `Container ${call.parameter} is paused, unpause the container before exec`)
      }
      yield* requireRunning(container)
      const exec: MemoryExec = {
        id: newId(),
        container,
        command,
        environment: {
          ...processEnvironment(container),
          ...parseEnvironment(asked.Env ?? [])
        },
        tty: asked.Tty ?? false,
        stdin: asked.AttachStdin ?? false,
        stdout: asked.AttachStdout ?? false,
        stderr: asked.AttachStderr ?? false,
        process: undefined,
        begun: false,
        exitCode: undefined
      }
      call.state.execs.set(exec.id, exec)
      yield* said(call.state, container, `exec_create: ${command.join(" ")}`, { execID: exec.id })
      return jsonResponse(201, { Id: exec.id })
    }),
  "POST /exec/{id}/start": (call) =>
    Effect.gen(function* () {
      const exec = yield* execOf(call)
      const { Detach = false } = yield* readBody(StartBody)(call)
      const { container, id } = exec
      if (container.status === "paused") {
        return yield* errorResponse(409, `Container ${container.id} is paused, unpause the container before exec`)
      }
      if (!exec.begun) yield* requireRunning(container)
      const refused = exec.begun ? errorResponse(409, `Error: Exec command ${id} has already run`) : undefined
      if (Detach) {
        if (refused !== undefined) return yield* refused
        const words = yield* run(call, exec, () => {})
        return words === undefined ? jsonResponse(200) : yield* errorResponse(400, words)
      }
      const streams = { stdout: exec.stdout, stderr: exec.stderr }
      const input = {
        write: (bytes: Uint8Array) =>
          Effect.suspend(() =>
            exec.stdin && exec.process !== undefined ? exec.process.writeInput(bytes) : Effect.void
          ),
        end: Effect.suspend(() =>
          exec.stdin && exec.process !== undefined ? Effect.asVoid(exec.process.stdin.end) : Effect.void
        )
      }
      // What goes wrong now comes as output: the connection is handed over before the command is started.
      const { upgrade } = call
      const first = yield* attached({ tty: exec.tty, streams, upgrade, before: [] }, input)
      const words = refused === undefined ? yield* run(call, exec, first.listen) : refused.message
      if (words !== undefined) {
        const text = Buffer.from(`${words}\r\n`)
        const before = [exec.tty ? text : frame("stdout", text)]
        const failed = yield* attached({ tty: exec.tty, streams, upgrade, before }, input)
        yield* failed.close
        return failed.answer
      }
      const { process } = exec
      if (process !== undefined) yield* Effect.forkScoped(Effect.zipRight(process.awaitExit, first.close))
      return first.answer
    }),
  "GET /exec/{id}/json": (call) =>
    Effect.map(execOf(call), (exec) => {
      const [entrypoint = "", ...args] = exec.command
      return jsonResponse(200, {
        ID: exec.id,
        Running: exec.process !== undefined && !isOver(exec),
        ExitCode: exec.exitCode ?? null,
        ProcessConfig: { tty: exec.tty, entrypoint, arguments: args, privileged: false },
        OpenStdin: exec.stdin,
        OpenStderr: exec.stderr,
        OpenStdout: exec.stdout,
        CanRemove: isOver(exec),
        ContainerID: exec.container.id,
        DetachKeys: "",
        Pid: exec.process?.pid ?? 0
      })
    }),
  "POST /exec/{id}/resize": (call) =>
    Effect.gen(function* () {
      const height = yield* call.query.integer("h")
      const width = yield* call.query.integer("w")
      const exec = yield* execOf(call)
      if (isOver(exec)) return yield* errorResponse(500, "cannot resize a stopped container: unknown")
      if (exec.process === undefined) return yield* errorResponse(500, "timeout waiting for exec session ready")
      const size = { height: String(height), width: String(width) }
      yield* said(call.state, exec.container, "resize", { execID: exec.id, ...size })
      return jsonResponse(200)
    })
}
