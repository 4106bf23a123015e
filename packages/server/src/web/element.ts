/** Makes an element with a class and what stands in it. Strings become text, never markup. */
export const element = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...content: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] => {
  const made = document.createElement(tag)
  if (className !== "") made.className = className
  made.append(...content)
  return made
}

/** The element of the page with this id, which must be of this kind. */
export const byId = <E extends HTMLElement>(id: string, kind: new () => E): E => {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new TypeError(`The page has no ${kind.name} #${id}`)
}
