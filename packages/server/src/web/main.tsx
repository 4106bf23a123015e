/** Starts the page: signs the browser in with the token of the link, if there is one. */
import { signal } from "@preact/signals"
import { render } from "preact"
import { makeApiCaller } from "../client/api/ApiCaller.js"
import { App } from "./app/App.js"
import { StatusText } from "./app/BottomBar.js"
import { SignIn, signInWith } from "./app/SignIn.js"
import { ModelProvider, PageModel } from "./model/PageModel.js"
import { takeToken } from "./Route.js"

type Screen =
  | { readonly kind: "starting"; readonly text: string }
  | { readonly kind: "signIn"; readonly reason: string | undefined }
  | { readonly kind: "page"; readonly model: PageModel }

const api = makeApiCaller({ url: document.baseURI })
const screen = signal<Screen>({ kind: "starting", text: "Starting" })

const Root = () => {
  const shown = screen.value
  if (shown.kind === "page") {
    return (
      <ModelProvider value={shown.model}>
        <App />
      </ModelProvider>
    )
  }
  const isSignIn = shown.kind === "signIn"
  return (
    <div id="page" data-view="alone">
      {isSignIn ? <SignIn key={shown.reason} api={api} reason={shown.reason} /> : <main />}
      <footer>
        <StatusText
          id="connection"
          status={isSignIn ? { tone: "bad", text: "Not signed in" } : { tone: "busy", text: shown.text }}
        />
      </footer>
    </div>
  )
}

const showSignIn = (reason: string | undefined): void => {
  screen.value = { kind: "signIn", reason }
}

const signIn = (token: string): Promise<string | undefined> =>
  signInWith(api, token, (text) => {
    screen.value = { kind: "starting", text }
  })

const start = async (): Promise<void> => {
  const root = document.getElementById("app")
  if (root === null) throw new TypeError('The page has no element with the id "app".')
  root.replaceChildren()
  render(<Root />, root)
  addEventListener("hashchange", () => {
    const another = takeToken()
    if (another === undefined) return
    void signIn(another).then((reason) => (reason === undefined ? location.reload() : showSignIn(reason)))
  })
  const token = takeToken()
  const rejection = token === undefined ? undefined : await signIn(token)
  if (rejection === undefined) screen.value = { kind: "page", model: new PageModel(() => showSignIn(undefined)) }
  else showSignIn(rejection)
}

void start()
