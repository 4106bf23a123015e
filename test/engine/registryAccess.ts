import { randomBytes } from "node:crypto"

/** Who may use a registry. */
export interface RegistryUser {
  readonly username: string
  readonly password: string
}

/** How a front asks for credentials. */
export type RegistryAccessOptions =
  | { readonly kind: "basic"; readonly user: RegistryUser }
  | {
      readonly kind: "bearer"
      readonly user: RegistryUser
      /** A refresh token that is accepted as well. */
      readonly identityToken?: string
      /** An access token that is accepted as it is. */
      readonly registryToken?: string
      /** Whether anyone may pull, with a token that is given to everyone, as on Docker Hub. */
      readonly anonymousPull?: boolean
      /** Where the token endpoint is, such as on another front; `/token` of this one unless given. */
      readonly realm?: string
      /** For how many milliseconds a token is accepted. */
      readonly lifetime?: number
    }

/** Why a request was not let through. */
export interface Challenge {
  readonly header: string
}

const basic = ({ password, username }: RegistryUser): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`

/** Checks the credentials that a front demands. */
export class RegistryAccess {
  readonly #options: RegistryAccessOptions
  readonly #host: string
  /** The tokens that were given out, whether they are the user's, and when that was. */
  readonly #tokens = new Map<string, { readonly isUser: boolean; readonly at: number }>()

  constructor(options: RegistryAccessOptions, host: string) {
    this.#options = options
    this.#host = host
  }

  /** The challenge for a request to the registry, if its credentials are not enough. */
  challenge(authorization: string | undefined, scope: string, isRead: boolean): Challenge | undefined {
    const options = this.#options
    if (options.kind === "basic") {
      return authorization === basic(options.user) ? undefined : { header: 'Basic realm="tests"' }
    }
    const token = authorization?.replace(/^Bearer /, "") ?? ""
    const given = this.#tokens.get(token)
    const isExpired = given !== undefined && performance.now() - given.at > (options.lifetime ?? Infinity)
    const isUser = token !== "" && token === options.registryToken ? true : isExpired ? undefined : given?.isUser
    if (isUser === true || (isUser === false && isRead && options.anonymousPull === true)) return undefined
    const realm = options.realm ?? `http://${this.#host}/token`
    const reason = isExpired ? ',error="invalid_token"' : isUser === false ? ',error="insufficient_scope"' : ""
    return { header: `Bearer realm="${realm}",service="tests",scope="${scope}"${reason}` }
  }

  /** A token for what was sent to the token endpoint; `undefined` if it is wrong. */
  token(authorization: string | undefined, form: URLSearchParams): string | undefined {
    const options = this.#options
    if (options.kind === "basic") return undefined
    const { password, username } = options.user
    const refresh = form.get("refresh_token")
    const byForm = form.get("username") === username && form.get("password") === password
    const isUser =
      authorization === basic(options.user) || byForm || (refresh !== null && refresh === options.identityToken)
    const isAnonymous = authorization === undefined && refresh === null && form.get("password") === null
    if (!isUser && !isAnonymous) return undefined
    const token = randomBytes(16).toString("hex")
    this.#tokens.set(token, { isUser, at: performance.now() })
    return token
  }
}
