import { byId, setStatus, setText } from "./element.js"
import { ApiError, openSession } from "./ServerApi.js"

/** How long to wait before trying to sign in again, in milliseconds. */
const retryTime = 2000

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Signs the browser in: with the token of the link, or with one that is entered. */
export class SignIn {
  readonly #connection = byId("connection", HTMLElement)
  readonly #section = byId("not-allowed", HTMLElement)
  readonly #reason = byId("not-allowed-reason", HTMLElement)
  readonly #token = byId("token", HTMLInputElement)
  readonly #button = byId("sign-in-button", HTMLButtonElement)

  constructor() {
    byId("try-again", HTMLButtonElement).addEventListener("click", () => location.reload())
    byId("sign-in", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault()
      void this.#submit()
    })
  }

  /** Shows how to sign in and, if an attempt failed, why. */
  show(reason: string | undefined): void {
    this.#section.hidden = false
    this.#reason.hidden = reason === undefined
    setText(this.#reason, reason ?? "")
    byId("app", HTMLElement).dataset["allowed"] = "no"
    setStatus(this.#connection, "bad", "Not signed in")
  }

  /** Trades the token for a session cookie, retrying while the server can't answer. Resolves to why it was rejected. */
  async withToken(token: string): Promise<string | undefined> {
    for (;;) {
      try {
        await openSession(token)
        return undefined
      } catch (cause) {
        if (cause instanceof ApiError && cause.isRefusal) return cause.message
        setStatus(this.#connection, "busy", `${messageOf(cause)} Retrying…`)
        await new Promise((resolve) => setTimeout(resolve, retryTime))
      }
    }
  }

  async #submit(): Promise<void> {
    this.#button.disabled = true
    this.#button.textContent = "Signing in…"
    try {
      await openSession(this.#token.value.trim())
      location.reload()
    } catch (cause) {
      this.show(messageOf(cause))
      this.#token.select()
    } finally {
      this.#button.disabled = false
      this.#button.textContent = "Sign in"
    }
  }
}
