import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../DockerError.js"

/** An image reference with its defaults filled in, as the docker command reads it. */
export interface ImageReference {
  /** Host and port of the registry; `docker.io` for Docker Hub. */
  readonly registry: string
  /** The path in the registry, such as `library/busybox`. */
  readonly repository: string
  /** Missing if the reference has a digest and no tag. */
  readonly tag?: string
  /** Such as `sha256:` and 64 hexadecimal digits. */
  readonly digest?: string
}

/** The registry of a reference that names none. */
export const defaultRegistry = "docker.io"

// The grammar is that of github.com/distribution/reference, which the engine and the docker command use.
const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
const domain = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
const path = `${pathComponent}(?:/${pathComponent})*`
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
// Where the first part looks like a host but cannot be one, such as "my_host.test", it is a component of a name without a host.
const reference = new RegExp(`^(?:(${domain})|(${pathComponent}))/(${path})(?::(\\w[\\w.-]{0,127}))?(?:@(${digest}))?$`)

/** The digests that are supported, by algorithm, with their number of hexadecimal digits. */
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

const maxRepositoryLength = 255

const imageId = /^[a-f0-9]{64}$/

/** Splits off the registry: what is before the first slash, if it looks like a host. */
const splitRegistry = (text: string): readonly [registry: string, rest: string] => {
  const slash = text.indexOf("/")
  const first = slash < 0 ? "" : text.slice(0, slash)
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase()
  const registry = !isHost || first === "index.docker.io" ? defaultRegistry : first
  const rest = isHost ? text.slice(slash + 1) : text
  return [registry, registry === defaultRegistry && !rest.includes("/") ? `library/${rest}` : rest]
}

/** Why a digest is not valid, if it is not. */
const digestProblem = (text: string): string | undefined => {
  const [algorithm = "", digits = ""] = text.split(":")
  const length = digestLengths[algorithm]
  if (length === undefined) return `the digest algorithm "${algorithm}" is not supported`
  return digits.length === length && digits === digits.toLowerCase()
    ? undefined
    : `a ${algorithm} digest has ${length} lower-case hexadecimal digits`
}

/** Reads a reference. Returns a sentence that says what is wrong if it is not valid. */
export const readImageReference = (text: string): ImageReference | string => {
  if (text === "") return "the image reference is empty"
  if (imageId.test(text)) return "64 hexadecimal digits are an image id, not the name of an image"
  const [registry, rest] = splitRegistry(text)
  const name = rest.split(/[:@]/, 1)[0] ?? ""
  if (name !== name.toLowerCase()) return `the repository name "${name}" must be lower case`
  const match = reference.exec(`${registry}/${rest}`)
  const [, , first, repository, tag, digest] = match ?? []
  if (repository === undefined) {
    return "it is not an image reference. Write it as [HOST[:PORT]/]NAME[:TAG][@DIGEST], such as localhost:5000/team/app:1.0"
  }
  if (repository.length + (first === undefined ? 0 : first.length + 1) > maxRepositoryLength) {
    return `the repository name must not be longer than ${maxRepositoryLength} characters`
  }
  const problem = digest === undefined ? undefined : digestProblem(digest)
  if (problem !== undefined) return problem
  return {
    registry,
    repository,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: "latest" } : {}),
    ...(digest === undefined ? {} : { digest })
  }
}

/** Parses an image reference. One without tag and digest gets the tag `latest`. `field` names it in the error. */
export const parseImageReference = (text: string, field = "image"): Effect.Effect<ImageReference, InvalidRequest> => {
  const parsed = readImageReference(text)
  return typeof parsed === "string"
    ? Effect.fail(new InvalidRequest({ field, value: text, detail: parsed }))
    : Effect.succeed(parsed)
}

/**
 * The repository as the docker command prints it: without Docker Hub's host and its `library/`. Unlike there, the host is kept
 * if the rest would be read as something else, such as that of `docker.io/other.host/app`: as an image of another registry.
 */
export const familiarRepository = ({ registry, repository }: ImageReference): string => {
  const full = `${registry}/${repository}`
  if (registry !== defaultRegistry) return full
  const familiar = repository.replace(/^library\/(?=[^/]*$)/, "")
  return splitRegistry(familiar).join("/") === full && !imageId.test(familiar) ? familiar : full
}

const version = ({ digest, tag }: ImageReference): string =>
  [...(tag === undefined ? [] : [`:${tag}`]), ...(digest === undefined ? [] : [`@${digest}`])].join("")

/** The whole reference as the docker command prints it. */
export const familiarReference = (reference: ImageReference): string =>
  familiarRepository(reference) + version(reference)

/** The whole reference with nothing left out. */
export const fullReference = (reference: ImageReference): string =>
  `${reference.registry}/${reference.repository}${version(reference)}`

/** A name that an image can be given. */
export interface ImageName extends ImageReference {
  readonly tag: string
}

/** Parses the name that an image is to get: without a digest. `field` names it in the error. */
export const parseImageName = (text: string, field: string): Effect.Effect<ImageName, InvalidRequest> =>
  Effect.flatMap(parseImageReference(text, field), ({ digest, tag, ...rest }) =>
    digest === undefined && tag !== undefined
      ? Effect.succeed({ ...rest, tag })
      : new InvalidRequest({
          field,
          value: text,
          detail: "an image cannot be given a digest. Leave out the part from the @ on"
        })
  )
