import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { nullable } from "../../internal/api/decode.js"
import { openAttachment } from "../calls/attachment.js"
import { type Call, decodeBody, type Routes, targetContainer } from "../calls/call.js"
import { jsonResponse } from "../calls/response.js"
import { encodeFrame } from "../calls/streamFrame.js"
import {
  fileReader,
  invalidDirectory,
  isFile,
  missingUser,
  parseEnvironment,
  processEnvironment
} from "../containers/processConfig.js"
import { Process } from "../programs/process.js"
import { commandNotFound } from "../programs/resolveProgram.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { type MemoryExec, requireRunning } from "../state/memoryContainer.js"
import { newId } from "../state/objectId.js"

const decodeCreate = decodeBody(
  Schema.Struct({
    Cmd: nullable(Schema.Array(Schema.String)),
    Env: nullable(Schema.Array(Schema.String)),
    AttachStdin: Schema.optional(Schema.Boolean),
    AttachStdout: Schema.optional(Schema.Boolean),
    AttachStderr: Schema.optional(Schema.Boolean),
    Tty: Schema.optional(Schema.Boolean),
    User: Schema.optional(Schema.String),
    WorkingDir: Schema.optional(Schema.String)
  })
)

const decodeStart = decodeBody(
  Schema.Struct({ Detach: Schema.optional(Schema.Boolean), Tty: Schema.optional(Schema.Boolean) })
)

/** Finds the exec that the path names. */
const targetExec = ({ parameter, state }: Call): Either.Either<MemoryExec, ErrorResponse> =>
  Either.fromNullable(state.execs.get(parameter), () => errorResponse(404, `No such exec instance: ${parameter}`))

const hasExited = ({ exitCode }: MemoryExec): boolean => exitCode !== undefined

const create = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const body = yield* decodeCreate(call)
    const command = body.Cmd ?? []
    if (command.length === 0) return yield* errorResponse(400, "No exec command specified")
    if (container.status === "paused") {
      const message = `Container ${call.parameter} is paused, unpause the container before exec`
      return yield* errorResponse(409, message)
    }
    yield* requireRunning(container)
    const exec: MemoryExec = {
      id: newId(),
      container,
      command,
      environment: { ...processEnvironment(container), ...parseEnvironment(body.Env ?? []) },
      user: body.User ?? "",
      workingDirectory: body.WorkingDir ?? "",
      tty: body.Tty ?? false,
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      stderr: body.AttachStderr ?? false,
      started: false,
      process: undefined,
      exitCode: undefined
    }
    call.state.execs.set(exec.id, exec)
    yield* call.state.emitContainerEvent(container, `exec_create: ${command.join(" ")}`, { execID: exec.id })
    return jsonResponse(201, { Id: exec.id })
  })

/** Starts the command of an exec. Returns the engine's error if it cannot be started. */
const startCommand = (
  { state }: Call,
  exec: MemoryExec,
  connect: (process: Process) => void
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const { command, container, environment, id, stdin, tty, user, workingDirectory } = exec
    const exited = (exitCode: number) => {
      exec.exitCode = exitCode
      return state.emitContainerEvent(container, "exec_die", { execID: id, exitCode: String(exitCode) })
    }
    exec.started = true
    yield* state.emitContainerEvent(container, `exec_start: ${command.join(" ")}`, { execID: id })
    const impossible = missingUser(container, user) ?? invalidDirectory(container, workingDirectory)
    if (impossible !== undefined) {
      yield* exited(126)
      return impossible
    }
    const process = yield* Process.start(
      {
        image: container.settings.image,
        command,
        environment,
        tty,
        readFile: fileReader(container),
        exec: true,
        openStdin: stdin
      },
      state,
      () => {},
      (_, exitCode) => Effect.suspend(() => exited(exitCode))
    )
    if (process === undefined) {
      yield* exited(126)
      return `OCI runtime exec failed: exec failed: ${commandNotFound(command, isFile(container, command[0] ?? ""))}`
    }
    connect(process)
    exec.process = process
    return undefined
  })

const start = (call: Call) =>
  Effect.gen(function* () {
    const exec = yield* targetExec(call)
    const { Detach = false } = yield* decodeStart(call)
    const { container, id } = exec
    if (container.status === "paused") {
      return yield* errorResponse(409, `Container ${container.id} is paused, unpause the container before exec`)
    }
    if (!exec.started) yield* requireRunning(container)
    const refused = exec.started ? errorResponse(409, `Error: Exec command ${id} has already run`) : undefined
    if (!Detach) return yield* startAttached(call, exec, refused)
    if (refused !== undefined) return yield* refused
    const failure = yield* startCommand(call, exec, () => {})
    if (failure === undefined) return jsonResponse(200)
    return yield* errorResponse(/container process/.test(failure) ? 400 : 500, failure)
  })

/** Starts an exec and attaches the client to it. */
const startAttached = (call: Call, exec: MemoryExec, refused: ErrorResponse | undefined) =>
  Effect.gen(function* () {
    const { stdin, tty } = exec
    const options = {
      tty,
      streams: { stdout: exec.stdout, stderr: exec.stderr },
      upgrade: call.upgrade,
      input: {
        write: (bytes: Uint8Array) =>
          Effect.suspend(() => (stdin && exec.process !== undefined ? exec.process.writeInput(bytes) : Effect.void)),
        end: Effect.suspend(() =>
          stdin && exec.process !== undefined ? Effect.asVoid(exec.process.stdin.end) : Effect.void
        )
      }
    }
    const attachment = yield* openAttachment({ ...options, backlog: [] })
    const failure = refused?.message ?? (yield* startCommand(call, exec, attachment.connect))
    if (failure !== undefined) {
      // The engine takes over the connection before it starts the command, so errors arrive as output.
      const text = Buffer.from(`${failure}\r\n`)
      const failed = yield* openAttachment({ ...options, backlog: [tty ? text : encodeFrame("stdout", text)] })
      yield* failed.close
      return failed.response
    }
    const { process } = exec
    if (process !== undefined) yield* Effect.forkScoped(Effect.zipRight(process.awaitExit, attachment.close))
    return attachment.response
  })

const execView = (exec: MemoryExec) => {
  const [entrypoint = "", ...args] = exec.command
  return {
    ID: exec.id,
    Running: exec.process !== undefined && !hasExited(exec),
    ExitCode: exec.exitCode ?? null,
    ProcessConfig: { tty: exec.tty, entrypoint, arguments: args, privileged: false },
    OpenStdin: exec.stdin,
    OpenStderr: exec.stderr,
    OpenStdout: exec.stdout,
    CanRemove: hasExited(exec),
    ContainerID: exec.container.id,
    DetachKeys: "",
    Pid: exec.process?.pid ?? 0
  }
}

const resize = (call: Call) =>
  Effect.gen(function* () {
    const height = yield* call.query.integer("h")
    const width = yield* call.query.integer("w")
    const exec = yield* targetExec(call)
    if (hasExited(exec)) return yield* errorResponse(500, "cannot resize a stopped container: unknown")
    if (exec.process === undefined) return yield* errorResponse(500, "timeout waiting for exec session ready")
    const attributes = { execID: exec.id, height: String(height), width: String(width) }
    yield* call.state.emitContainerEvent(exec.container, "resize", attributes)
    return jsonResponse(200)
  })

/** The routes of `/exec` and `/containers/{id}/exec`. */
export const execRoutes: Routes = {
  "POST /containers/{id}/exec": create,
  "POST /exec/{id}/start": start,
  "GET /exec/{id}/json": (call) => Effect.map(targetExec(call), (exec) => jsonResponse(200, execView(exec))),
  "POST /exec/{id}/resize": resize
}
