import { useEffect } from "preact/hooks"
import { routeToSearch } from "../Route.js"

/** ⌘K or Ctrl-K opens the search over everything, also while one types. */
export const useSearchKey = (): void => {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      const input = document.querySelector<HTMLInputElement>("#search-input")
      if (input === null) location.hash = routeToSearch("")
      else {
        input.focus()
        input.select()
      }
    }
    addEventListener("keydown", onKeyDown)
    return () => removeEventListener("keydown", onKeyDown)
  }, [])
}
