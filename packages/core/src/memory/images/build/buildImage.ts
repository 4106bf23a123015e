import * as Effect from "effect/Effect"
import { familiarName } from "../../programs/imageReference.js"
import { type ErrorResponse, errorResponse } from "../../state/errorResponse.js"
import { addFiles, cloneDirectory, newDirectory } from "../../state/fileTree.js"
import { emptyConfig, shortDigest } from "../../state/images/imageContent.js"
import type { MemoryBuildSpec, MemoryBuildStep } from "../../state/images/imageSpec.js"
import { type MemoryImage, specConfig } from "../../state/images/imageStore.js"
import { emitImageEvent } from "../imageEvents.js"
import { LineFailure } from "../jsonLines.js"
import { type BuildContext, executeStep, finishStage, type Stage, startStage } from "./buildStage.js"
import { type Instruction, words } from "./dockerfile.js"
import { print } from "./runStep.js"

/** A build that has been checked. */
export interface BuildPlan {
  readonly steps: ReadonlyArray<{ readonly instruction: Instruction; readonly script: Partial<MemoryBuildStep> }>
  readonly tags: ReadonlyArray<string>
  readonly scripted: MemoryBuildSpec | undefined
}

/** The name of a stage, in lower case; `undefined` if it has none. */
export const stageName = ({ argument }: Instruction): string | undefined => {
  const all = words(argument)
  const at = all.findIndex((word) => word.toLowerCase() === "as")
  return at < 0 ? undefined : all[at + 1]?.toLowerCase()
}

/** The steps up to the end of a stage, and of the last one without a target. */
export const stepsUntil = (
  steps: BuildPlan["steps"],
  target: string
): Effect.Effect<BuildPlan["steps"], ErrorResponse> => {
  const starts = steps.flatMap(({ instruction }, index) => (instruction.keyword === "FROM" ? [index] : []))
  if (starts.length === 0) return errorResponse(400, "no build stage in current context")
  if (target === "") return Effect.succeed(steps)
  const number = starts.findIndex((start, index) => {
    const step = steps[start]
    return String(index) === target || (step !== undefined && stageName(step.instruction) === target.toLowerCase())
  })
  return number < 0
    ? errorResponse(400, `target stage "${target}" could not be found`)
    : Effect.succeed(steps.slice(0, starts[number + 1]))
}

/** The arguments that no instruction declares. */
const unusedArguments = ({ steps }: BuildPlan, { buildArguments }: BuildContext): ReadonlyArray<string> => {
  const declared = steps.flatMap(({ instruction }) =>
    instruction.keyword === "ARG" ? words(instruction.argument).map((word) => word.split("=", 1)[0] ?? "") : []
  )
  return Object.keys(buildArguments)
    .filter((name) => !declared.includes(name) && !/^(https?|ftp|no|all)_proxy$/i.test(name))
    .toSorted()
}

/** Gives the image of a scripted build its settings and files. */
const scriptedImage = (
  context: BuildContext,
  stage: Stage,
  spec: NonNullable<MemoryBuildSpec["image"]>
): Effect.Effect<MemoryImage, LineFailure> =>
  Effect.gen(function* () {
    const now = yield* context.state.clock.now
    const files = stage.image === undefined ? newDirectory(now) : cloneDirectory(stage.image.files)
    yield* addFiles(files, spec.files ?? {}, now).pipe(Effect.mapError(({ message }) => new LineFailure({ message })))
    const { command, entrypoint, env, labels } = specConfig(spec)
    const isGiven = spec.command !== undefined || spec.entrypoint !== undefined
    const config = {
      ...stage.config,
      ...(isGiven ? { command, entrypoint } : {}),
      ...(spec.environment === undefined ? {} : { env: [...stage.config.env, ...env] }),
      labels: { ...stage.config.labels, ...labels }
    }
    return yield* finishStage(context, stage, { config, files })
  })

/** Executes the steps, and returns the image of the last stage. */
const executeSteps = ({ scripted, steps }: BuildPlan, context: BuildContext) =>
  Effect.gen(function* () {
    const { emit, stages } = context
    let stage: Stage = { image: undefined, config: emptyConfig, variables: {}, globals: {} }
    let global: Readonly<Record<string, string>> = {}
    let count = -1
    let name: string | undefined
    for (const [index, { instruction, script }] of steps.entries()) {
      const { argument, keyword, text } = instruction
      print(emit, `Step ${index + 1}/${steps.length} : ${text}`)
      print(emit, "\n")
      if (keyword === "FROM") {
        stage = yield* startStage(context, instruction, global)
        count++
        name = stageName(instruction)
      } else if (count < 0) {
        const [argumentName = "", value = ""] = argument.split(/=(.*)/s)
        global = { ...global, [argumentName]: context.buildArguments[argumentName] ?? value }
        continue
      } else stage = yield* executeStep(context, stage, instruction, script)
      const next = steps[index + 1]
      if (next !== undefined && next.instruction.keyword !== "FROM") continue
      if (next === undefined && scripted?.image !== undefined) {
        stage = { ...stage, image: yield* scriptedImage(context, stage, scripted.image) }
      }
      const { image } = stage
      if (image === undefined) continue
      emit({ aux: { ID: image.id } })
      stages.set(String(count), image)
      if (name !== undefined) stages.set(name, image)
    }
    return stage.image
  })

/** Builds an image as the classic builder does. */
export const buildImage = (
  plan: BuildPlan,
  context: BuildContext
): Effect.Effect<MemoryImage, ErrorResponse | LineFailure> =>
  Effect.gen(function* () {
    const { emit, state } = context
    const image = yield* executeSteps(plan, context)
    if (image === undefined)
      return yield* new LineFailure({ message: "No image was generated. Is your Dockerfile empty?" })
    const unused = unusedArguments(plan, context)
    if (unused.length > 0) print(emit, `[Warning] One or more build-args [${unused.join(" ")}] were not consumed\n`)
    print(emit, `Successfully built ${shortDigest(image.id)}\n`)
    for (const tag of plan.tags) {
      const name = familiarName(tag)
      state.images.tag(image, name, yield* state.clock.now)
      yield* emitImageEvent(state, image, "tag", { name })
      print(emit, `Successfully tagged ${name}\n`)
    }
    return image
  })
