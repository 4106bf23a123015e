import type { Container } from "./Api.js"
import { element } from "./element.js"
import { routeTo } from "./Route.js"

/** How a state of the engine's is called here. */
export const stateWord = (state: string): string => (state === "exited" ? "stopped" : state)

/** A dot and the word for a state. */
export const stateLabel = (state: string): HTMLElement => {
  const dot = element("span", "dot")
  dot.setAttribute("aria-hidden", "true")
  const label = element("span", "state", dot, stateWord(state))
  label.dataset["state"] = state
  return label
}

const alive = (state: string): boolean => state === "running" || state === "paused" || state === "restarting"

const byLifeAndName = (one: Container, other: Container): number =>
  Number(alive(other.state)) - Number(alive(one.state)) || one.name.localeCompare(other.name, "en", { numeric: true })

/** The list of containers at the side: links, with the arrow keys going from one to the next. */
export class ContainerList {
  readonly #list: HTMLElement
  readonly #links = new Map<string, { readonly link: HTMLAnchorElement; shown: string }>()

  constructor(list: HTMLElement) {
    this.#list = list
    list.addEventListener("keydown", (event) => this.#move(event))
  }

  show(containers: ReadonlyArray<Container>, selected: string | undefined): void {
    const sorted = containers.toSorted(byLifeAndName)
    const names = new Set(sorted.map((container) => container.name))
    for (const [name, { link }] of this.#links) {
      if (names.has(name)) continue
      link.parentElement?.remove()
      this.#links.delete(name)
    }
    let before: Element | null = null
    for (const container of sorted) {
      const link = this.#link(container)
      const item = link.parentElement ?? element("li", "", link)
      const place: Element | null = before === null ? this.#list.firstElementChild : before.nextElementSibling
      // What stands right is not touched, so that it keeps the focus.
      if (item !== place) this.#list.insertBefore(item, place)
      before = item
      if (container.name === selected) link.setAttribute("aria-current", "page")
      else link.removeAttribute("aria-current")
    }
  }

  #link(container: Container): HTMLAnchorElement {
    const shown = JSON.stringify(container)
    let known = this.#links.get(container.name)
    if (known === undefined) {
      const link = element("a", "container")
      link.href = routeTo(container.name)
      known = { link, shown: "" }
      this.#links.set(container.name, known)
    }
    if (known.shown !== shown) {
      known.shown = shown
      const head = element("span", "container-head", element("span", "container-name", container.name))
      head.append(stateLabel(container.state))
      const image = element("span", "container-image", container.image)
      image.title = container.image
      known.link.replaceChildren(head, image, element("span", "container-status", container.status))
    }
    return known.link
  }

  #move(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }
    const step = steps[event.key]
    if (step === undefined) return
    const links = Array.from(this.#list.querySelectorAll("a"))
    const at = links.findIndex((link) => link === document.activeElement)
    const next = links[Math.max(0, Math.min(links.length - 1, at + step))]
    if (next === undefined) return
    event.preventDefault()
    next.focus()
  }
}
