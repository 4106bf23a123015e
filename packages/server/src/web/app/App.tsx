import type { ComponentChildren } from "preact"
import { useEffect, useLayoutEffect } from "preact/hooks"
import { SelectedContainer } from "../container/SelectedContainer.js"
import { handleKey } from "../keys/handleKey.js"
import { KeysDialog } from "../keys/KeysDialog.js"
import { type PageModel, useModel } from "../model/PageModel.js"
import { OperationList } from "../operations/OperationList.js"
import { OperationView } from "../operations/OperationView.js"
import { Rail } from "../rail/Rail.js"
import { DemoBanner, NoticeList, ProblemBanners } from "./Banners.js"
import { BottomBar } from "./BottomBar.js"
import { useSearchKey } from "../rail/useSearchKey.js"
import { later } from "./Later.js"
import { RemoveDialog } from "./RemoveDialog.js"
import { Welcome } from "./Welcome.js"

const SearchPage = later(async () => (await import("../search/SearchPage.js")).SearchPage)
const StacksPage = later(async () => (await import("../stacks/StacksPage.js")).StacksPage)

/** Where the page has got to: marks that tools measure by. */
const useMarks = ({ containers }: PageModel): void => {
  const isListed = containers.list.value !== undefined
  useLayoutEffect(() => {
    if (isListed) performance.mark("containers shown")
  }, [isListed])
}

/** The view that the address refers to. The log stays, so that one comes back to it as it was. */
const View = ({ children }: { readonly children: ComponentChildren }) => {
  const model = useModel()
  const route = model.route.value
  const { view } = route
  useMarks(model)
  const isWelcome = view === "home" || (view === "container" && model.selection.selected.value === undefined)
  return (
    <div id="page" data-view={view === "home" ? "list" : "main"}>
      <DemoBanner />
      <Rail />
      <main>
        <ProblemBanners />
        <NoticeList />
        {isWelcome && <Welcome />}
        {route.view === "operations" && <OperationList filter={route.filter} />}
        {route.view === "operation" && <OperationView key={route.id} id={route.id} />}
        {route.view === "search" && <SearchPage query={route.query} />}
        {route.view === "stacks" && <StacksPage />}
        {route.view === "stack" && <StacksPage name={route.name} />}
        {children}
      </main>
      <BottomBar />
      <RemoveDialog />
      <KeysDialog />
    </div>
  )
}

/** The page of a browser that is signed in. */
export const App = () => {
  const model = useModel()
  useSearchKey()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => handleKey(model, event)
    addEventListener("keydown", onKeyDown)
    return () => removeEventListener("keydown", onKeyDown)
  }, [model])
  return (
    <View>
      <SelectedContainer />
    </View>
  )
}
