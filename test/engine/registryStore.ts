import { createHash, randomBytes } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { RegistryContent, RegistryImage } from "./registryImage.js"

/** What a request to a registry is about. */
export interface RegistryPath {
  readonly repository: string
  readonly kind: "manifests" | "blobs"
  /** A tag, a digest, or `uploads/` and the id of an upload. */
  readonly reference: string
}

/** Sends the body of a response. */
export type SendBody = (response: ServerResponse, body: Buffer) => Promise<void>

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of message) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

const refuse = (response: ServerResponse, status: number, code: string): void => {
  response.writeHead(status, { "Content-Type": "application/json" })
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll("_", " ") }] }))
}

/** A registry in memory. */
export class RegistryStore {
  readonly #contents = new Map<string, RegistryContent>()
  readonly #uploads = new Map<string, Buffer>()

  add(repository: string, tag: string, image: RegistryImage | RegistryContent): void {
    const manifest = "manifest" in image ? image.manifest : image
    this.#keep(repository, manifest, tag)
    if ("blobs" in image) for (const blob of image.blobs) this.#keep(repository, blob)
  }

  /** How many bytes a blob or a manifest has; 0 if there is none. */
  sizeOf(path: RegistryPath | undefined): number {
    return this.#contents.get(`${path?.repository}/${path?.reference}`)?.bytes.length ?? 0
  }

  /** Handles a request; `sendBlob` sends what a blob consists of. */
  async handle(
    message: IncomingMessage,
    response: ServerResponse,
    path: RegistryPath | undefined,
    sendBlob: SendBody
  ): Promise<void> {
    const { method } = message
    if (path === undefined) {
      message.resume()
      response.writeHead(200, { "Docker-Distribution-Api-Version": "registry/2.0" }).end("{}")
    } else if (method === "GET" || method === "HEAD") {
      message.resume()
      await this.#read(message, response, path, sendBlob)
    } else if (path.kind === "manifests") await this.#putManifest(message, response, path)
    else await this.#upload(message, response, path)
  }

  #keep(repository: string, content: RegistryContent, tag?: string): void {
    for (const name of [content.digest, ...(tag === undefined ? [] : [tag])]) {
      this.#contents.set(`${repository}/${name}`, content)
    }
  }

  async #read(
    message: IncomingMessage,
    response: ServerResponse,
    { kind, reference, repository }: RegistryPath,
    sendBlob: SendBody
  ): Promise<void> {
    const found = this.#contents.get(`${repository}/${reference}`)
    if (found === undefined) return refuse(response, 404, kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN")
    const start = Number(/^bytes=(\d+)-/.exec(message.headers.range ?? "")?.[1] ?? 0)
    const bytes = found.bytes.subarray(start)
    response.writeHead(start > 0 ? 206 : 200, {
      "Content-Type": kind === "blobs" ? "application/octet-stream" : found.type,
      "Content-Length": bytes.length,
      "Docker-Content-Digest": found.digest,
      "Accept-Ranges": "bytes",
      ...(start > 0 ? { "Content-Range": `bytes ${start}-${found.bytes.length - 1}/${found.bytes.length}` } : {})
    })
    if (message.method === "HEAD") response.end()
    else if (kind === "blobs") await sendBlob(response, bytes)
    else response.end(bytes)
  }

  async #putManifest(message: IncomingMessage, response: ServerResponse, path: RegistryPath): Promise<void> {
    const bytes = await bodyOf(message)
    const digest = digestOf(bytes)
    this.#keep(path.repository, { digest, type: message.headers["content-type"] ?? "", bytes }, path.reference)
    response.writeHead(201, { Location: message.url ?? "", "Docker-Content-Digest": digest }).end()
  }

  async #upload(message: IncomingMessage, response: ServerResponse, path: RegistryPath): Promise<void> {
    const { pathname, searchParams } = new URL(message.url ?? "", "http://registry")
    const isNew = message.method === "POST"
    const id = isNew ? randomBytes(8).toString("hex") : path.reference.slice("uploads/".length)
    const bytes = Buffer.concat([this.#uploads.get(id) ?? Buffer.alloc(0), await bodyOf(message)])
    const location = isNew ? `${pathname.replace(/\/$/, "")}/${id}` : pathname
    const mounted = this.#contents.get(`${searchParams.get("from")}/${searchParams.get("mount")}`)
    if (isNew && mounted !== undefined) {
      this.#keep(path.repository, mounted)
      response.writeHead(201, { Location: pathname, "Docker-Content-Digest": mounted.digest }).end()
    } else if (message.method === "PUT") {
      const digest = digestOf(bytes)
      this.#uploads.delete(id)
      if (digest !== searchParams.get("digest")) return refuse(response, 400, "DIGEST_INVALID")
      this.#keep(path.repository, { digest, type: "application/octet-stream", bytes })
      response.writeHead(201, { Location: location, "Docker-Content-Digest": digest }).end()
    } else {
      this.#uploads.set(id, bytes)
      const range = `0-${Math.max(0, bytes.length - 1)}`
      response.writeHead(202, { Location: location, "Docker-Upload-Uuid": id, Range: range }).end()
    }
  }
}
