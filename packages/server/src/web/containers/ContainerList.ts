import { element } from "../element.js"
import { routeTo } from "../Route.js"
import type { Container } from "../ServerApi.js"
import { isAlive, stateLabel } from "./stateLabel.js"

const aliveFirst = (one: Container, other: Container): number =>
  Number(isAlive(other.state)) - Number(isAlive(one.state)) ||
  one.name.localeCompare(other.name, "en", { numeric: true })

/** The list of containers: links that the arrow keys move between. */
export class ContainerList {
  readonly #list: HTMLElement
  /** By the container's id. */
  readonly #entries = new Map<string, { readonly link: HTMLAnchorElement; rendered: string }>()

  constructor(list: HTMLElement) {
    this.#list = list
    list.addEventListener("keydown", (event) => this.#moveFocus(event))
  }

  /** `selected` is the id of the selected container. */
  show(containers: ReadonlyArray<Container>, selected: string | undefined): void {
    const sorted = containers.toSorted(aliveFirst)
    const ids = new Set(sorted.map((container) => container.id))
    for (const [id, { link }] of this.#entries) {
      if (ids.has(id)) continue
      link.parentElement?.remove()
      this.#entries.delete(id)
    }
    let previous: Element | null = null
    for (const container of sorted) {
      const link = this.#render(container)
      const item = link.parentElement ?? element("li", "", link)
      const current: Element | null = previous === null ? this.#list.firstElementChild : previous.nextElementSibling
      // Items that are in place are not moved, so that they keep the focus.
      if (item !== current) this.#list.insertBefore(item, current)
      previous = item
      if (container.id === selected) link.setAttribute("aria-current", "page")
      else link.removeAttribute("aria-current")
    }
  }

  #render(container: Container): HTMLAnchorElement {
    let entry = this.#entries.get(container.id)
    if (entry === undefined) {
      entry = { link: element("a", "container"), rendered: "" }
      this.#entries.set(container.id, entry)
    }
    const content = JSON.stringify(container)
    if (entry.rendered !== content) {
      entry.rendered = content
      entry.link.href = routeTo(container.name)
      const head = element("span", "container-head", element("span", "container-name", container.name))
      head.append(stateLabel(container.state))
      const image = element("span", "container-image", container.image)
      image.title = container.image
      entry.link.replaceChildren(head, image, element("span", "container-status", container.status))
    }
    return entry.link
  }

  #moveFocus(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }
    const step = steps[event.key]
    if (step === undefined) return
    const links = Array.from(this.#list.querySelectorAll("a"))
    const focused = links.findIndex((link) => link === document.activeElement)
    const next = links[Math.max(0, Math.min(links.length - 1, focused + step))]
    if (next === undefined) return
    event.preventDefault()
    next.focus()
  }
}
