import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { readTar } from "../../../packages/core/src/internal/tar/readTar.js"
import type { TarHeader } from "../../../packages/core/src/internal/tar/tarHeader.js"
import { engineCall, engineRequest, jsonAt } from "../../engine/engineRequest.js"
import { testLabels } from "../../engine/testRun.js"

/** Where Dockerfiles of tests copy the context to. */
export const contextFolder = "/context"

/** The entries of an archive, a line for each: type, mode, path, and the link or the hash of the content. */
export const tarLines = <E>(tar: Stream.Stream<Uint8Array, E>): Promise<ReadonlyArray<string>> => {
  const lines: Array<string> = []
  let last: TarHeader | undefined
  let hash = createHash("sha256")
  const finish = () => {
    if (last === undefined) return
    const { linkName, mode, name, type } = last
    const content = type === "file" ? hash.digest("hex").slice(0, 8) : linkName
    const path = Buffer.from(name.replace(/\/$/, ""), "latin1").toString("utf8")
    lines.push(`${type} ${(mode % 0o10000).toString(8)} ${path} ${content}`)
  }
  const take = Stream.runForEach(readTar(tar), (item) =>
    Effect.sync(() => {
      if (item._tag === "Content") return void hash.update(item.bytes)
      finish()
      last = item.header
      hash = createHash("sha256")
    })
  )
  return Effect.runPromise(
    Effect.map(take, () => {
      finish()
      return lines
    })
  )
}

/** What an image has in `contextFolder`. */
export const builtFiles = async (endpoint: string, image: string): Promise<ReadonlyArray<string>> => {
  const body = { Image: image, Cmd: ["true"], Labels: testLabels() }
  const created = await engineCall(endpoint, "POST", "/containers/create", body)
  const id = String(jsonAt(created.json, "Id"))
  try {
    const archive = await engineCall(endpoint, "GET", `/containers/${id}/archive?path=${contextFolder}`)
    const lines = await tarLines(Stream.make(Uint8Array.from(archive.body)))
    return lines.map((line) => line.replace(/ context\/?/, " ")).toSorted()
  } finally {
    await engineRequest(endpoint, "DELETE", `/containers/${id}?force=1`)
  }
}

/** Removes an image of a test. */
export const removeImage = async (endpoint: string, image: string): Promise<void> => {
  await engineRequest(endpoint, "DELETE", `/images/${encodeURIComponent(image)}?force=1`)
}
