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
