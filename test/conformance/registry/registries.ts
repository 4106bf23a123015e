import { createHash } from "node:crypto"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import type { RegistryUser } from "../../engine/registryAccess.js"
import { registryAnswers } from "../../engine/registryAnswers.js"
import type { RegistryContent, RegistryImage } from "../../engine/registryImage.js"
import { startTestRegistry, type TestRegistry } from "../../engine/testRegistry.js"

/** Who may use the fronts that ask for credentials. */
export const registryUser: RegistryUser = { username: "ann", password: "pass-of-ann" }

/** The registries with which engines fail, on this machine's loopback. */
export interface Registries {
  readonly fronts: {
    /** Behind it is a real registry that asks nobody for credentials. */
    readonly real: RegistryFront
    /** In memory, as are those below. */
    readonly open: RegistryFront
    readonly basic: RegistryFront
    readonly bearer: RegistryFront
    /** Gives everyone a token with which to pull, as Docker Hub does. */
    readonly hub: RegistryFront
    /** Its tokens expire after five seconds. */
    readonly shortTokens: RegistryFront
    /** Its token endpoint answers 403. */
    readonly noTokens: RegistryFront
  }
  /** A real registry with passwords. */
  readonly htpasswd: TestRegistry
  readonly stop: () => Promise<void>
}

/** Puts an image into a real registry. */
export const putImage = async (host: string, repository: string, tag: string, image: RegistryImage): Promise<void> => {
  const base = `http://${host}/v2/${repository}`
  const put = async (url: string, { bytes, type }: RegistryContent): Promise<void> => {
    const { status } = await fetch(url, {
      method: "PUT",
      headers: { "Content-Type": type },
      body: Uint8Array.from(bytes)
    })
    if (status !== 201) throw new Error(`The registry answered ${status} to PUT ${url}.`)
  }
  for (const blob of image.blobs) {
    const upload = await fetch(`${base}/blobs/uploads/`, { method: "POST" })
    const location = new URL(upload.headers.get("location") ?? "", base)
    location.searchParams.set("digest", `sha256:${createHash("sha256").update(blob.bytes).digest("hex")}`)
    await put(location.href, { ...blob, type: "application/octet-stream" })
  }
  await put(`${base}/manifests/${tag}`, image.manifest)
}

/** Starts them all. */
export const startRegistries = async (): Promise<Registries> => {
  const [upstream, htpasswd] = await Promise.all([startTestRegistry(), startTestRegistry({ isPrivate: true })])
  const user = registryUser
  const fronts = {
    real: await startRegistryFront({ upstream: upstream.host }),
    open: await startRegistryFront(),
    basic: await startRegistryFront({ access: { kind: "basic", user } }),
    bearer: await startRegistryFront({ access: { kind: "bearer", user } }),
    hub: await startRegistryFront({ access: { kind: "bearer", user, anonymousPull: true } }),
    shortTokens: await startRegistryFront({ access: { kind: "bearer", user, lifetime: 5_000 } }),
    noTokens: await startRegistryFront({ access: { kind: "bearer", user } })
  }
  fronts.noTokens.break(undefined, { kind: "answer", ...registryAnswers.tokenForbidden })
  return {
    fronts,
    htpasswd,
    stop: async () => {
      await Promise.all([...Object.values(fronts), upstream, htpasswd].map((registry) => registry.stop()))
    }
  }
}
