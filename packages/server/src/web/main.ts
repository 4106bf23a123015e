/** Starts the page: signs the browser in with the token of the link, if there is one. */
import { byId } from "./element.js"
import { Page } from "./Page.js"
import { takeToken } from "./Route.js"
import { SignIn } from "./SignIn.js"

const start = async (): Promise<void> => {
  byId("not-started", HTMLElement).hidden = true
  const signIn = new SignIn()
  let page: Page | undefined
  addEventListener("hashchange", () => {
    const another = takeToken()
    if (another === undefined) return page?.show()
    void signIn.withToken(another).then((reason) => {
      if (reason === undefined) location.reload()
      else signIn.show(reason)
    })
  })
  const token = takeToken()
  const rejection = token === undefined ? undefined : await signIn.withToken(token)
  if (rejection === undefined) page = new Page((reason) => signIn.show(reason))
  else signIn.show(rejection)
}

void start()
