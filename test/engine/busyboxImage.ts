import { createReadStream } from "node:fs"
import { engineCall, engineRequest } from "./engineRequest.js"

/** The image that tests run. */
export const busyboxImage = "busybox:latest"

/** Whether the engine has the image. */
export const hasBusybox = async (endpoint: string): Promise<boolean> =>
  (await engineRequest(endpoint, "GET", `/images/${busyboxImage}/json`)).status === 200

/** Imports the image from the tar of its root file system, or an image of another name with the same files. */
export const importBusybox = async (endpoint: string, tar: string, name = "busybox"): Promise<void> => {
  const settings = ['CMD ["sh"]', "ENV PATH=/bin", ...(name === "busybox" ? [] : [`LABEL name=${name}`])]
  const changes = settings.map((change) => `&changes=${encodeURIComponent(change)}`).join("")
  const path = `/images/create?fromSrc=-&repo=${name}&tag=latest${changes}`
  const answer = await engineCall(endpoint, "POST", path, createReadStream(tar), { timeout: 120_000 })
  // The engine answers 200 before it reads the archive, so check for the image.
  if (!(await hasBusybox(endpoint))) throw new Error(`Importing busybox failed: ${answer.text.trim()}`)
}

/** Pulls the image from the engine's registry. */
export const pullBusybox = async (endpoint: string): Promise<void> => {
  const answer = await engineCall(endpoint, "POST", "/images/create?fromImage=busybox&tag=latest", undefined, {
    timeout: 120_000
  })
  if (!(await hasBusybox(endpoint))) throw new Error(`Pulling busybox failed: ${answer.text.trim()}`)
}
