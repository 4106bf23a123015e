/** Starts the page: signs the browser in with the token of the link, if there is one. */
import { byId, setStatus } from "./element.js"
import { Page } from "./Page.js"
import { takeToken } from "./Route.js"
import { ApiError, openSession } from "./ServerApi.js"

/** How long to wait before trying to sign in again, in milliseconds. */
const retryTime = 2000

const connection = byId("connection", HTMLElement)

const showNotAllowed = (): void => {
  byId("not-allowed", HTMLElement).hidden = false
  byId("app", HTMLElement).dataset["allowed"] = "no"
  setStatus(connection, "bad", "Not signed in")
}

/** Trades the token for a session cookie, retrying until the server can be reached. Resolves to false if it is rejected. */
const signIn = async (token: string): Promise<boolean> => {
  for (;;) {
    try {
      await openSession(token)
      return true
    } catch (cause) {
      if (cause instanceof ApiError && cause.status >= 400 && cause.status < 500) return false
      setStatus(connection, "busy", "Can't reach the Dockwire server. Retrying…")
      await new Promise((resolve) => setTimeout(resolve, retryTime))
    }
  }
}

const start = (): void => {
  const page = new Page(showNotAllowed)
  addEventListener("hashchange", () => {
    const token = takeToken()
    if (token === undefined) page.show()
    else void signIn(token).then((allowed) => (allowed ? location.reload() : showNotAllowed()))
  })
}

byId("try-again", HTMLButtonElement).addEventListener("click", () => location.reload())

const token = takeToken()
if (token === undefined || (await signIn(token))) start()
else showNotAllowed()
