/** Creates an element with a class and content. Strings become text, never markup. */
export const element = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...content: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] => {
  const created = document.createElement(tag)
  if (className !== "") created.className = className
  created.append(...content)
  return created
}

/** The page's element with this id, which must be of the given class. */
export const byId = <E extends HTMLElement>(id: string, kind: new () => E): E => {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new TypeError(`The page has no ${kind.name} with the id "${id}".`)
}

/** Sets an element's text if it differs, so that screen readers do not announce it again. */
export const setText = (target: HTMLElement, text: string): void => {
  if (target.textContent !== text) target.textContent = text
}

/** Sets the text and the tone of a status indicator. */
export const setStatus = (target: HTMLElement, tone: "good" | "busy" | "bad", text: string): void => {
  target.dataset["tone"] = tone
  setText(target, text)
}
