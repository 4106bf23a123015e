import { useSignal } from "@preact/signals"
import { useRef } from "preact/hooks"
import type { ApiCaller } from "../../client/api/ApiCaller.js"

/** How long to wait before trying to sign in again, in milliseconds. */
const retryTime = 2000

/** Why a token did not sign the browser in; undefined if it did. */
const openSession = async (api: ApiCaller, token: string) => {
  // In the body, because a proxy may use the Authorization header itself.
  const result = await api.call("session.open", { body: { token } })
  return result.ok ? undefined : result
}

/**
 * Trades the token for a session cookie, retrying while the server can't answer. Resolves to why it was rejected.
 * `onRetry` is told why it has to wait.
 */
export const signInWith = async (
  api: ApiCaller,
  token: string,
  onRetry: (reason: string) => void
): Promise<string | undefined> => {
  for (;;) {
    const failure = await openSession(api, token)
    if (failure === undefined) return undefined
    if (failure.status >= 400 && failure.status < 500) return failure.error.message
    onRetry(`${failure.error.message} Retrying…`)
    await new Promise((resolve) => setTimeout(resolve, retryTime))
  }
}

/** How to sign in and, if an attempt failed, why. */
export const SignIn = ({ api, reason }: { readonly api: ApiCaller; readonly reason: string | undefined }) => {
  const problem = useSignal(reason)
  const busy = useSignal(false)
  const token = useRef<HTMLInputElement>(null)
  const submit = async (): Promise<void> => {
    busy.value = true
    const failure = await openSession(api, token.current?.value.trim() ?? "")
    if (failure === undefined) return location.reload()
    busy.value = false
    problem.value = failure.error.message
    token.current?.select()
  }
  return (
    <main>
      <section id="not-allowed">
        <h1>This browser is not signed in</h1>
        {problem.value !== undefined && (
          <p id="not-allowed-reason" role="alert">
            {problem.value}
          </p>
        )}
        <p>
          Open the link that Dockwire printed in the terminal when it started. It signs this browser in. Or enter its
          token, which is the end of that link, or the one that Dockwire was started with.
        </p>
        <form
          id="sign-in"
          onSubmit={(event) => {
            event.preventDefault()
            void submit()
          }}
        >
          <label for="token">Token</label>
          <input id="token" ref={token} type="password" autocomplete="current-password" spellcheck={false} required />
          <button type="submit" id="sign-in-button" disabled={busy.value}>
            {busy.value ? "Signing in…" : "Sign in"}
          </button>
        </form>
        <p>
          <button type="button" id="try-again" onClick={() => location.reload()}>
            Try again
          </button>
        </p>
      </section>
    </main>
  )
}
