import type { PageModel } from "../model/PageModel.js"
import { routeTo, routeToOperations, routeToStacks } from "../Route.js"
import { helpOpen, isTyping, keysOn } from "./keys.js"

/** The second key of two must come within this time, in milliseconds. */
const sequenceTime = 800

const focusOn = (selector: string): boolean => {
  const input = document.querySelector<HTMLInputElement>(selector)
  // What a phone hides behind the log can't be focused.
  if (input === null || input.offsetParent === null) return false
  input.focus()
  input.select()
  return true
}

const go = (address: string): boolean => {
  location.hash = address
  return true
}

/** The container before or after the selected one, in the order of the rail. */
const step = (model: PageModel, by: 1 | -1): boolean => {
  const names = model.railNames.value
  const index = names.indexOf(model.selection.selected.value?.name ?? "")
  const name = names[index < 0 ? 0 : index + by]
  return name !== undefined && go(routeTo(name))
}

const scrollToStart = ({ log }: PageModel): boolean => {
  log.box.scrollTo({ top: 0 })
  return true
}

/** What each key does where a log is shown. */
const logKeys: Readonly<Record<string, (model: PageModel) => boolean>> = {
  "/": () => focusOn("#filter"),
  " ": ({ log }) => {
    log.togglePause()
    return true
  },
  G: ({ log }) => {
    log.scrollToEnd()
    return true
  },
  w: ({ log }) => {
    log.toggle("wrap")
    return true
  },
  t: ({ log }) => {
    log.toggle("times")
    return true
  },
  x: () => {
    const first = document.querySelector<HTMLElement>("#actions button")
    first?.focus()
    return first !== null
  }
}

/** What each key does everywhere. */
const pageKeys: Readonly<Record<string, (model: PageModel) => boolean>> = {
  c: () => focusOn("#rail-filter"),
  o: () => go(routeToOperations()),
  s: () => go(routeToStacks),
  "[": (model) => step(model, -1),
  "]": (model) => step(model, 1)
}

let lastG = 0

/** Does what a key stands for. Returns whether it stands for anything here. */
const act = (model: PageModel, event: KeyboardEvent): boolean => {
  const { key, target, timeStamp } = event
  const isLog = model.route.value.view === "container" && model.selection.selected.value !== undefined
  // A button that has the focus is pressed by it.
  if (key === " " && target instanceof HTMLElement && target.closest("button, summary") !== null) return false
  if (key === "g" && isLog) {
    const isSecond = timeStamp - lastG < sequenceTime
    lastG = isSecond ? 0 : timeStamp
    return isSecond ? scrollToStart(model) : true
  }
  return ((isLog ? logKeys[key] : undefined) ?? pageKeys[key])?.(model) ?? false
}

/** The keys of the whole page. None while one types. */
export const handleKey = (model: PageModel, event: KeyboardEvent): void => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  // Also when the other keys are off, so that one can switch them on again.
  if (event.key === "?") helpOpen.value = true
  else if (!keysOn.value || !act(model, event)) return
  event.preventDefault()
}
