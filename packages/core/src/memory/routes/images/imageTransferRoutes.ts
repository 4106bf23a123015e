import * as Effect from "effect/Effect"
import { familiarRepository } from "../../../internal/registry/imageReference.js"
import type { Call, Routes } from "../../calls/call.js"
import { jsonResponse } from "../../calls/response.js"
import { importImage } from "../../images/importImage.js"
import { streamLines } from "../../images/jsonLines.js"
import { pullImage } from "../../images/pullImage.js"
import { pushImage } from "../../images/pushImage.js"
import { parseReference, parseTagged } from "../../images/reference.js"
import { encodedHeader, findRemote, logIn, sentCredentials } from "../../images/registryAccess.js"
import { type ErrorResponse, errorResponse } from "../../state/errorResponse.js"
import { type ImagePlatform, parsePlatform } from "../../state/images/imageContent.js"
import { hubHost } from "../../state/images/registryStore.js"

const authHeader = "x-registry-auth"

const requestedPlatform = ({ query }: Call): Effect.Effect<ImagePlatform | undefined, ErrorResponse> => {
  const text = query.text("platform") ?? ""
  const platform = parsePlatform(text)
  return text === "" || platform !== undefined
    ? Effect.succeed(platform)
    : errorResponse(400, `"${text}": cannot parse platform specifier: invalid argument`)
}

/** Pulls a tag or digest, or every tag of a repository. */
const pull = (call: Call) =>
  Effect.gen(function* () {
    const { query, state } = call
    const name = query.text("fromImage") ?? ""
    const reference = yield* parseTagged(name, query.text("tag") ?? "")
    const platform = yield* requestedPlatform(call)
    const sent = sentCredentials(encodedHeader(call, authHeader))
    const isTagged = (query.text("tag") ?? "") !== "" || /:[^/]*$|@/.test(name)
    const tags = isTagged ? [] : (state.registries.get(reference.registry)?.tags(reference.repository) ?? [])
    const references = tags.length === 0 ? [reference] : tags.map((tag) => ({ ...reference, tag }))
    const found = yield* Effect.forEach(references, (one) =>
      Effect.map(findRemote(state, one, sent), (remote) => ({ reference: one, remote }))
    )
    const repository = familiarRepository(reference)
    const subject = isTagged ? {} : { subject: repository }
    return yield* streamLines((emit) =>
      Effect.gen(function* () {
        for (const one of found) yield* pullImage(state, one.reference, one.remote, { platform, ...subject }, emit)
        if (!isTagged) yield* state.journal.publish("image", "pull", repository, { name: repository })
      })
    )
  })

const create = (call: Call) =>
  Effect.gen(function* () {
    const { query } = call
    const source = query.text("fromSrc") ?? ""
    if (query.text("fromImage") !== undefined) return yield* pull(call)
    const platform = yield* requestedPlatform(call)
    if (source === "-") return yield* importImage(call, platform)
    const host = /^\w+:\/\/([^/:]+)/.exec(source)?.[1] ?? ""
    return yield* errorResponse(500, `Get "${source}": dial tcp: lookup ${host}: no such host`)
  })

const push = (call: Call) =>
  Effect.gen(function* () {
    const { headers, parameter, query, state } = call
    const isSent = Object.keys(headers).some((name) => name.toLowerCase() === authHeader)
    if (!isSent) {
      const message = "bad parameters and missing X-Registry-Auth: invalid X-Registry-Auth header: EOF"
      return yield* errorResponse(400, message)
    }
    const reference = yield* parseReference(parameter)
    const tag = query.text("tag") ?? ""
    const sent = sentCredentials(encodedHeader(call, authHeader))
    return yield* streamLines((emit) => pushImage(state, reference, tag === "" ? undefined : tag, sent, emit))
  })

/** The host of a registry in the body of `POST /auth`. */
const serverHost = (body: unknown): string => {
  const address: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "serveraddress") : undefined
  const host = (typeof address === "string" ? address : "").replace(/^https?:\/\//, "").replace(/\/.*$/, "")
  return host === "" || host === "index.docker.io" ? hubHost : host
}

/** The routes that need a registry, and import, which shares a path with pull. */
export const imageTransferRoutes: Routes = {
  "POST /images/create": create,
  "POST /images/{name}/push": push,
  "POST /auth": ({ body, state }) =>
    Effect.as(
      logIn(state, serverHost(body), sentCredentials(body)),
      jsonResponse(200, { IdentityToken: "", Status: "Login Succeeded" })
    )
}
