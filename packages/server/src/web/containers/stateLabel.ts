import { element } from "../element.js"

/** The word that the page uses for a container's state. */
export const stateWord = (state: string): string => (state === "exited" ? "stopped" : state)

/** A dot and the word for a container's state. */
export const stateLabel = (state: string): HTMLElement => {
  const dot = element("span", "dot")
  dot.setAttribute("aria-hidden", "true")
  const label = element("span", "state", dot, stateWord(state))
  label.dataset["state"] = state
  return label
}

/** Whether a container in this state has processes. */
export const isAlive = (state: string): boolean => state === "running" || state === "paused" || state === "restarting"
