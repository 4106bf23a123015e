import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { dirname, resolve } from "node:path"
import type { DockerShape } from "../../Docker.js"
import { ComposeFailed } from "../../DockerError.js"
import { Redactor } from "../../internal/build/output/redactor.js"
import { type ComposeProject, givenName, projectLabel } from "../../internal/compose/cli/composeProject.js"
import { folderName } from "../../internal/compose/cli/projectName.js"
import { secretValues } from "../../internal/compose/cli/secretValues.js"
import type { ComposeCall, ComposeDoor, ComposeSteps, OpenProject } from "../../internal/compose/door/composeDoor.js"
import { KeptOutput } from "../../internal/compose/door/keptOutput.js"
import { type ProjectDeclaration, projectDeclaration } from "../../internal/compose/door/projectConfig.js"
import type { ComposeError } from "../../internal/compose/failure/composeFailure.js"
import { ComposeDecoder } from "../../internal/compose/progress/composeDecoder.js"
import type { OperationStep } from "../../Operation.js"
import { type Act, type EngineHands, failed } from "./acts/acting.js"
import { down } from "./acts/down.js"
import { execCommand } from "./acts/execCommand.js"
import { build, pull } from "./acts/images.js"
import { kill, pause, restart, rm, start, stop, unpause } from "./acts/lifecycle.js"
import { config, versionOf } from "./acts/prints.js"
import { up } from "./acts/up.js"
import { parseCommandLine } from "./commandLine.js"
import type { ComposeScripts } from "./composeScripts.js"
import { type ComposeCommandError, ComposeStep } from "./composeStep.js"
import type { ResolvedProject } from "./resolvedProject.js"

/** What the commands of compose in memory are made of. */
export interface ComposeHouse {
  readonly hands: EngineHands
  /** By name. */
  readonly projects: ReadonlyMap<string, ResolvedProject>
  readonly scripts: ComposeScripts
  readonly version: string
}

/** A command of a project, with what was said of the project when it was opened. */
interface ProjectCall extends ComposeCall {
  readonly project: ResolvedProject
  readonly profiles: ReadonlyArray<string>
}

const acts = (version: string): Readonly<Record<string, Act>> => ({
  build,
  config,
  create: up,
  down,
  exec: execCommand,
  kill,
  pause,
  pull,
  restart,
  rm,
  start,
  stop,
  unpause,
  up,
  version: versionOf(version)
})

/** What a command does on the engine, with its words if it fails. */
const act = ({ hands, version }: ComposeHouse, call: ProjectCall): Stream.Stream<ComposeStep, ComposeCommandError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { allProfiles = false, environment = {}, profiles, project } = call
      const steps = yield* Mailbox.make<ComposeStep, ComposeCommandError>()
      const tell = (step: ComposeStep) => Effect.asVoid(steps.offer(step))
      const work = Effect.gen(function* () {
        const command = yield* Effect.mapError(parseCommandLine(call.args), (detail) =>
          failed({ project }, "Failed", detail)
        )
        yield* (
          acts(version)[command.verb]?.({ hands, project, command, allProfiles, profiles, environment, tell }) ??
            Effect.void
        )
      })
      yield* work.pipe(
        Effect.tapError(({ detail }) => tell(ComposeStep.line(detail))),
        Mailbox.into(steps),
        Effect.forkScoped
      )
      return Mailbox.toStream(steps)
    })
  )

/** The steps of a command: its faults, then its script, or what it does without one. */
const commandSteps = (house: ComposeHouse, call: ProjectCall): Stream.Stream<ComposeStep, ComposeCommandError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { allProfiles = false, args, profiles, project } = call
      const run = { project: project.name, args, profiles: allProfiles ? ["*"] : profiles }
      house.scripts.record(run)
      for (const fault of house.scripts.take(run)) {
        if (fault._tag === "Delay") yield* Effect.sleep(fault.delay)
        else return Stream.concat(Stream.make(ComposeStep.line(fault.error.detail)), Stream.fail(fault.error))
      }
      const acting = act(house, call)
      return house.scripts.find(run)?.run({ ...run, act: acting }) ?? acting
    })
  )

/** With the lines that were printed before it, unless it has some. */
const withLastLines = (error: ComposeCommandError, lines: ReadonlyArray<string>): ComposeCommandError => {
  if (error._tag !== "ComposeFailed" || error.lastLines.length > 0 || lines.length === 0) return error
  const { column, detail, exitCode, file, line, project, reason, service, variable } = error
  return new ComposeFailed({
    reason,
    project,
    service,
    variable,
    file,
    line,
    column,
    exitCode,
    detail,
    lastLines: [...lines]
  })
}

const run = (house: ComposeHouse, call: ProjectCall, kept: KeptOutput, redactor: Redactor): ComposeSteps<never> =>
  Stream.suspend(() => {
    kept.clear()
    const decoder = new ComposeDecoder(true, redactor, call.args[0])
    const stepsOf = (step: ComposeStep): ReadonlyArray<OperationStep<never>> => {
      if (step._tag === "Progress") {
        const { _tag, ...event } = step
        return decoder.event(event)
      }
      return kept.take(call, decoder, step)
    }
    return commandSteps(house, call).pipe(
      Stream.mapConcat(stepsOf),
      Stream.concat(Stream.suspend(() => Stream.fromIterable(decoder.end()))),
      Stream.mapError((error) => withLastLines(error, decoder.lastLines))
    )
  })

/** The folders that a project may be in. */
const foldersOf = (project: ComposeProject): ReadonlyArray<string> => {
  const paths =
    typeof project === "string"
      ? [project, dirname(resolve(project))]
      : [...(project.directory === undefined ? [] : [project.directory]), ...(project.files ?? []).map(dirname)]
  return paths.map((path) => resolve(path))
}

/** Finds a project by its folder, or else by its name. One that is given another name has it on the engine. */
const findProject = (
  { projects }: ComposeHouse,
  project: ComposeProject,
  name: string | undefined
): Effect.Effect<ResolvedProject, ComposeFailed> => {
  const folders = foldersOf(project)
  const found =
    [...projects.values()].find(({ directory }) => folders.includes(directory)) ??
    folders.map((folder) => projects.get(folderName(folder))).find((known) => known !== undefined) ??
    (name === undefined ? undefined : projects.get(name))
  if (found !== undefined) return Effect.succeed(name === undefined ? found : { ...found, name })
  const label = projectLabel(project)
  const detail = `MemoryCompose has no project "${label}". It has: ${[...projects.keys()].join(", ") || "none"}`
  return Effect.fail(new ComposeFailed({ reason: "FileNotFound", project: label, file: label, lastLines: [], detail }))
}

const openProject = (
  house: ComposeHouse,
  project: ResolvedProject,
  given: ComposeProject,
  secrets: ReadonlyArray<Redacted.Redacted>
): OpenProject => {
  const profiles = typeof given === "string" ? [] : (given.profiles ?? [])
  const own = typeof given === "string" ? [] : secretValues(given.env ?? {})
  const redactor = new Redactor([...own, ...secrets])
  return {
    docker: house.hands.docker,
    name: project.name,
    run: (call, kept) => run(house, { ...call, project, profiles }, kept, redactor),
    read: (args, allProfiles = false) =>
      Effect.suspend(() => {
        const kept = new KeptOutput()
        const call: ProjectCall = { args, allProfiles, keepsOutput: "hidden", project, profiles }
        return Effect.map(Stream.runDrain(run(house, call, kept, redactor)), () => kept.text)
      }),
    warnings: () => Stream.empty,
    redactor
  }
}

/** Engines in memory all have the same endpoint. */
const engines = new WeakMap<DockerShape, number>()
let engineCount = 0

const engineOf = (docker: DockerShape): string => {
  const known = engines.get(docker) ?? ++engineCount
  engines.set(docker, known)
  return `${docker.endpoint}#${known}`
}

/** The version, unless the command for it fails. */
const versionOfHouse = (house: ComposeHouse) =>
  Effect.gen(function* () {
    for (const fault of house.scripts.take({ project: "", args: ["version"] })) {
      if (fault._tag === "Delay") yield* Effect.sleep(fault.delay)
      else if (fault.error._tag === "ComposeFailed") return yield* fault.error
    }
    return { version: house.version, command: ["/usr/libexec/docker/cli-plugins/docker-compose"] }
  })

const open =
  (house: ComposeHouse) =>
  (
    project: ComposeProject,
    secrets: ReadonlyArray<Redacted.Redacted> = []
  ): Effect.Effect<OpenProject, ComposeFailed> =>
    givenName(project).pipe(
      Effect.flatMap((name) => findProject(house, project, name)),
      Effect.map((found) => openProject(house, found, project, secrets))
    )

/** What a project declares, as `config` says. */
const declaration = (opened: OpenProject): Effect.Effect<ProjectDeclaration, ComposeError> =>
  Effect.flatMap(opened.read(["config", "--format", "json"]), (text) => {
    const found = projectDeclaration(text)
    if (found !== undefined) return Effect.succeed(found)
    const detail = `the output of "config" cannot be decoded: ${text.slice(0, 200)}`
    return Effect.fail(new ComposeFailed({ reason: "Failed", project: opened.name, lastLines: [], detail }))
  })

/** Runs commands as scripted, or on the engine in memory. */
export const memoryDoor = (house: ComposeHouse): ComposeDoor => ({
  docker: house.hands.docker,
  engine: engineOf(house.hands.docker),
  open: open(house),
  nameOf: (project) =>
    Effect.flatMap(givenName(project), (given) =>
      given === undefined ? Effect.map(findProject(house, project, given), ({ name }) => name) : Effect.succeed(given)
    ),
  declaration: (project) => Effect.flatMap(open(house)(project), declaration),
  version: versionOfHouse(house)
})
