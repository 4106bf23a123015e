import * as Effect from "effect/Effect"
import type { EngineState } from "../../state/engineState.js"
import type { ErrorResponse } from "../../state/errorResponse.js"
import { cloneDirectory, type MemoryDirectory, newDirectory } from "../../state/fileTree.js"
import {
  emptyConfig,
  enginePlatform,
  type ImageConfig,
  type ImageContent,
  type ImagePlatform,
  newLayer,
  shortDigest,
  withId
} from "../../state/images/imageContent.js"
import type { MemoryBuildStep } from "../../state/images/imageSpec.js"
import type { MemoryImage } from "../../state/images/imageStore.js"
import { type Emit, LineFailure } from "../jsonLines.js"
import { pullImage } from "../pullImage.js"
import { parseReference } from "../reference.js"
import { findRemote, type SentCredentials } from "../registryAccess.js"
import { copyFiles } from "./copyFiles.js"
import { expand, type Instruction, jsonWords, words } from "./dockerfile.js"
import { configChange } from "./instructionConfig.js"
import { print, runStep } from "./runStep.js"

/** What all steps of a build share. */
export interface BuildContext {
  readonly state: EngineState
  readonly files: MemoryDirectory
  readonly buildArguments: Readonly<Record<string, string>>
  readonly platform: ImagePlatform | undefined
  readonly useCache: boolean
  readonly alwaysPull: boolean
  readonly credentials: (host: string) => SentCredentials | undefined
  readonly emit: Emit
  /** The images of the stages so far, by number and by name. */
  readonly stages: Map<string, MemoryImage>
}

/** A stage in progress: what its next step starts from. */
export interface Stage {
  readonly image: MemoryImage | undefined
  readonly config: ImageConfig
  /** The arguments that have been declared. */
  readonly variables: Readonly<Record<string, string>>
  /** The arguments that were declared before the first stage. */
  readonly globals: Readonly<Record<string, string>>
}

type StepEffect<A> = Effect.Effect<A, ErrorResponse | LineFailure>

/** The image that `FROM` names: of an earlier stage, of the engine, or of a registry. */
const baseImage = (context: BuildContext, name: string): StepEffect<MemoryImage> =>
  Effect.gen(function* () {
    const { alwaysPull, credentials, emit, platform, state } = context
    const stage = context.stages.get(name.toLowerCase())
    if (stage !== undefined) return stage
    const local = state.images.find(name)
    if (local._tag === "Right" && !alwaysPull) return local.right
    const reference = yield* parseReference(name)
    const remote = yield* findRemote(state, reference, credentials(reference.registry))
    return yield* pullImage(state, reference, remote, { platform }, emit)
  })

/** Begins a stage. */
export const startStage = (
  context: BuildContext,
  { argument }: Instruction,
  globals: Readonly<Record<string, string>>
): StepEffect<Stage> =>
  Effect.gen(function* () {
    const [name = ""] = words(expand(argument, globals))
    if (name === "scratch") {
      print(context.emit, " ---> \n")
      return { image: undefined, config: emptyConfig, variables: {}, globals }
    }
    const image = yield* baseImage(context, name)
    print(context.emit, ` ---> ${shortDigest(image.id)}\n`)
    return { image, config: image.config, variables: {}, globals }
  })

interface NewStep {
  readonly config: ImageConfig
  readonly createdBy: string
  /** The files of a new layer; `undefined` if there is none. */
  readonly layer?: { readonly files: MemoryDirectory; readonly size: number }
}

/** The image of a step that was built before from the same image. */
const cachedStep = ({ state, useCache }: BuildContext, parent: string, createdBy: string): MemoryImage | undefined =>
  useCache
    ? [...state.images.values()].find(
        (image) =>
          image.parent === parent && image.config.base === parent && image.history.at(-1)?.createdBy === createdBy
      )
    : undefined

/** Creates the image of a step. */
const commitStep = (
  { platform, state }: BuildContext,
  { image }: Stage,
  { config, createdBy, layer }: NewStep
): Effect.Effect<MemoryImage> =>
  Effect.map(state.clock.now, (created) => {
    const parent = image?.id ?? ""
    const size = layer?.size ?? 0
    const content: ImageContent = withId({
      created,
      comment: "",
      platform: image?.platform ?? platform ?? enginePlatform,
      config: { ...config, base: parent },
      layers: [
        ...(image?.layers ?? []),
        ...(layer === undefined ? [] : [newLayer(`${parent} ${createdBy} ${created}`, size)])
      ],
      history: [...(image?.history ?? []), { created, createdBy, comment: "", size, emptyLayer: layer === undefined }],
      files: layer?.files ?? image?.files ?? newDirectory(created)
    })
    return state.images.keep(content, parent)
  })

const copyStep = (context: BuildContext, stage: Stage, instruction: Instruction): StepEffect<NewStep> =>
  Effect.gen(function* () {
    const { argument, flags, keyword } = instruction
    const now = yield* context.state.clock.now
    const all = (jsonWords(argument) ?? words(argument)).map((word) => expand(word, stageVariables(stage)))
    const from = flags["from"] === undefined ? undefined : yield* baseImage(context, flags["from"])
    const files = stage.image === undefined ? newDirectory(now) : cloneDirectory(stage.image.files)
    const { content, destination, size } = yield* copyFiles(files, {
      keyword,
      from: from?.files ?? context.files,
      fromStage: from !== undefined,
      sources: all.slice(0, -1),
      destination: all.at(-1) ?? "",
      workingDirectory: stage.config.workingDirectory,
      now
    })
    return {
      config: stage.config,
      createdBy: `/bin/sh -c #(nop) ${keyword} ${content} in ${destination} `,
      layer: { files, size }
    }
  })

/** The variables that an instruction can refer to. */
const stageVariables = ({ config, variables }: Stage): Readonly<Record<string, string>> => ({
  ...variables,
  ...Object.fromEntries(
    config.env.map((entry) => {
      const at = entry.indexOf("=")
      return [entry.slice(0, at), entry.slice(at + 1)]
    })
  )
})

/** How the history names a command that was run: with the arguments that were in effect. */
const runCreatedBy = (argument: string, { variables }: Stage, given: Readonly<Record<string, string>>): string => {
  const command = jsonWords(argument)?.join(" ") ?? `/bin/sh -c ${argument}`
  const used = Object.keys(variables)
    .filter((name) => Object.hasOwn(given, name))
    .toSorted()
  return used.length === 0
    ? command
    : `|${used.length} ${used.map((name) => `${name}=${variables[name]}`).join(" ")} ${command}`
}

const needsBuildKit = (flag: string): LineFailure =>
  new LineFailure({
    message: `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`
  })

/** The stage's declared arguments after an instruction. */
const declare = (
  { globals, variables }: Stage,
  { argument, keyword }: Instruction,
  given: Readonly<Record<string, string>>
): Stage["variables"] => {
  if (keyword !== "ARG") return variables
  const declared = words(argument).map((word) => {
    const at = word.indexOf("=")
    const name = at < 0 ? word : word.slice(0, at)
    return [name, given[name] ?? (at < 0 ? (globals[name] ?? "") : word.slice(at + 1))] as const
  })
  return { ...variables, ...Object.fromEntries(declared) }
}

/** Executes an instruction other than `FROM`. `script` says what a command prints and how it ends. */
export const executeStep = (
  context: BuildContext,
  stage: Stage,
  instruction: Instruction,
  script: Partial<MemoryBuildStep>
): StepEffect<Stage> =>
  Effect.gen(function* () {
    const { argument, flags, keyword } = instruction
    const isCopy = keyword === "COPY" || keyword === "ADD"
    for (const flag of ["mount", "security", "network"]) {
      if (keyword === "RUN" && flags[flag] !== undefined) return yield* needsBuildKit(flag)
    }
    const change = configChange(stage.config, instruction, stageVariables(stage))
    const files = stage.image?.files ?? newDirectory(yield* context.state.clock.now)
    const step: NewStep = isCopy
      ? yield* copyStep(context, stage, instruction)
      : (change ?? {
          config: stage.config,
          createdBy: runCreatedBy(argument, stage, context.buildArguments),
          layer: { files, size: 0 }
        })
    const cached = cachedStep(context, stage.image?.id ?? "", step.createdBy)
    if (cached !== undefined) print(context.emit, " ---> Using cache\n")
    else if (!isCopy || (script.exitCode ?? 0) !== 0) yield* runStep(instruction, script, context.emit)
    const image = cached ?? (yield* commitStep(context, stage, step))
    print(context.emit, ` ---> ${shortDigest(image.id)}\n`)
    return { ...stage, image, config: image.config, variables: declare(stage, instruction, context.buildArguments) }
  })

/** Adds settings and files to the image of a stage, in a step that is not printed. */
export const finishStage = (
  context: BuildContext,
  stage: Stage,
  step: { readonly config: ImageConfig; readonly files: MemoryDirectory }
): Effect.Effect<MemoryImage> => {
  const createdBy = "/bin/sh -c #(nop) MemoryBuildSpec"
  return commitStep(context, stage, { config: step.config, createdBy, layer: { files: step.files, size: 0 } })
}
