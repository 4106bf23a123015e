import { signal } from "@preact/signals"
import type { Endpoint, Scope } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"

/** Who is signed in. What the token may not do is not shown at all. */
export class Session {
  readonly info = signal<Endpoint<"session.describe">["success"] | undefined>(undefined)
  readonly #api: ApiCaller

  constructor(api: ApiCaller) {
    this.#api = api
  }

  /** Whether the token may do what needs this scope. False until that is known. */
  may(scope: Scope): boolean {
    return this.info.value?.allowed.includes(scope) === true
  }

  async refresh(): Promise<void> {
    const result = await this.#api.call("session.describe", {})
    if (result.ok) this.info.value = result.value
  }
}
