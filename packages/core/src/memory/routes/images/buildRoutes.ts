import * as Effect from "effect/Effect"
import type { Call, Routes } from "../../calls/call.js"
import { jsonResponse } from "../../calls/response.js"
import { buildImage, type BuildPlan, stepsUntil } from "../../images/build/buildImage.js"
import type { BuildContext } from "../../images/build/buildStage.js"
import { parseDockerfile, parseInstruction } from "../../images/build/dockerfile.js"
import { uploadedFiles } from "../../images/importImage.js"
import { streamLines } from "../../images/jsonLines.js"
import { parseReference } from "../../images/reference.js"
import { encodedHeader, sentCredentials } from "../../images/registryAccess.js"
import { familiarName } from "../../programs/imageReference.js"
import { type ErrorResponse, errorResponse } from "../../state/errorResponse.js"
import { lookUp, type MemoryDirectory } from "../../state/fileTree.js"
import { parsePlatform } from "../../state/images/imageContent.js"
import type { MemoryBuildSpec } from "../../state/images/imageSpec.js"
import { hubHost } from "../../state/images/registryStore.js"

/** A query parameter that holds a JSON object of texts. */
const record = ({ query }: Call, key: string): Effect.Effect<Readonly<Record<string, string>>, ErrorResponse> => {
  const text = query.text(key) ?? ""
  try {
    const parsed: unknown = text === "" ? {} : JSON.parse(text)
    const entries: ReadonlyArray<[string, unknown]> = Object.entries(parsed ?? {})
    return Effect.succeed(
      Object.fromEntries(entries.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])))
    )
  } catch {
    return errorResponse(400, `invalid character in the parameter ${key}`)
  }
}

const readDockerfile = (files: MemoryDirectory, path: string): Effect.Effect<string, ErrorResponse> => {
  if (path.split("/").includes("..")) return errorResponse(500, `forbidden path outside the build context: ${path} ()`)
  const found = lookUp(files, path, true)
  return typeof found === "string" || found.node.kind !== "file"
    ? errorResponse(500, `Cannot locate specified Dockerfile: ${path}`)
    : Effect.succeed(new TextDecoder().decode(found.node.content))
}

const matchingScript = (
  scripts: ReadonlyArray<MemoryBuildSpec>,
  tags: ReadonlyArray<string>,
  content: string
): MemoryBuildSpec | undefined =>
  scripts.find(
    ({ dockerfile = "", tag }) =>
      (tag === undefined || tags.some((one) => familiarName(one) === familiarName(tag))) &&
      (typeof dockerfile === "string" ? content.includes(dockerfile) : content.search(dockerfile) >= 0)
  )

/** Reads and checks what to build. */
const planBuild = (call: Call, files: MemoryDirectory): Effect.Effect<BuildPlan, ErrorResponse> =>
  Effect.gen(function* () {
    const { query, state } = call
    const tags = query.texts("t").filter((tag) => tag !== "")
    const path = query.text("dockerfile") ?? ""
    const name = path === "" ? "Dockerfile" : path
    const labels = Object.entries(yield* record(call, "labels"))
    const content = yield* readDockerfile(files, name)
    const scripted = matchingScript(state.builds, tags, content)
    const steps =
      scripted?.steps === undefined
        ? (yield* parseDockerfile(content, name)).map((instruction) => ({ instruction, script: {} }))
        : scripted.steps.map((script) => ({ instruction: parseInstruction(script.instruction), script }))
    const selected = yield* stepsUntil(steps, query.text("target") ?? "")
    const text = `LABEL ${labels.map(([key, value]) => `${key}=${/[\s"']/.test(value) ? JSON.stringify(value) : value}`).join(" ")}`
    const added = labels.length === 0 ? [] : [{ instruction: parseInstruction(text), script: {} }]
    return { steps: [...selected, ...added], tags, scripted }
  })

/** The credentials in `X-Registry-Config`, by registry. Docker Hub has an odd name there. */
const registryCredentials = (call: Call): BuildContext["credentials"] => {
  const config = encodedHeader(call, "x-registry-config")
  return (host) => {
    const key = host === hubHost ? "https://index.docker.io/v1/" : host
    return sentCredentials(typeof config === "object" && config !== null ? Reflect.get(config, key) : undefined)
  }
}

const build = (call: Call) =>
  Effect.gen(function* () {
    const { query, state } = call
    if (query.text("version") === "2") {
      return yield* errorResponse(400, "MemoryEngine has no BuildKit: leave out version=2 to use the classic builder")
    }
    if ((query.text("remote") ?? "") !== "") {
      return yield* errorResponse(400, "MemoryEngine does not support remote contexts: upload the context")
    }
    for (const tag of query.texts("t")) if (tag !== "") yield* parseReference(tag, 500)
    const files = yield* uploadedFiles(call)
    const plan = yield* planBuild(call, files)
    const context: Omit<BuildContext, "emit"> = {
      state,
      files,
      buildArguments: yield* record(call, "buildargs"),
      platform: parsePlatform(query.text("platform") ?? ""),
      useCache: !query.flag("nocache"),
      alwaysPull: query.flag("pull"),
      credentials: registryCredentials(call),
      stages: new Map()
    }
    const isQuiet = query.flag("q")
    return yield* streamLines((emit) =>
      Effect.map(buildImage(plan, { ...context, emit: isQuiet ? () => {} : emit }), ({ id }) => {
        if (isQuiet) emit({ stream: `${id}\n` })
      })
    )
  })

const buildCacheFilters = [
  "description",
  "id",
  "inuse",
  "label",
  "parent",
  "private",
  "shared",
  "type",
  "unused-for",
  "until"
]

/** There is never a build cache of its own: the classic builder takes its steps from the images. */
const pruneBuildCache = ({ query }: Call) =>
  query.filters(buildCacheFilters).pipe(
    Effect.mapError(({ message, status }) => errorResponse(status, `failed to prune build cache: ${message}`)),
    Effect.as(jsonResponse(200, { CachesDeleted: null, SpaceReclaimed: 0 }))
  )

/** The routes of `/build`. There is none for sessions: the engine in memory has the classic builder only. */
export const buildRoutes: Routes = {
  "POST /build/prune": pruneBuildCache,
  "POST /build": build
}
