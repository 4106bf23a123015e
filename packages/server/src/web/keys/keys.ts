import { signal } from "@preact/signals"
import { loadSetting, saveSetting } from "../model/settings.js"

/** Whether the keys of the page do anything. For those whose own tools need them. */
export const keysOn = signal(loadSetting("keys") !== "off")

export const switchKeys = (on: boolean): void => {
  keysOn.value = on
  saveSetting("keys", on ? "on" : "off")
}

/** Whether the overview of the keys is open. */
export const helpOpen = signal(false)

/** A key, what it does, and where. */
export interface KeyHelp {
  readonly keys: ReadonlyArray<string>
  readonly what: string
}

/** All keys, by where they do something. */
export const keyHelp: ReadonlyArray<readonly [place: string, keys: ReadonlyArray<KeyHelp>]> = [
  [
    "Everywhere",
    [
      { keys: ["?"], what: "This overview" },
      { keys: ["Ctrl", "K"], what: "Search everything" },
      { keys: ["c"], what: "Filter containers" },
      { keys: ["o"], what: "Operations" },
      { keys: ["s"], what: "Stacks" },
      { keys: ["↑", "↓"], what: "Move through the containers" },
      { keys: ["Esc"], what: "Close, or clear a filter" }
    ]
  ],
  [
    "Log",
    [
      { keys: ["/"], what: "Filter lines" },
      { keys: ["Space"], what: "Pause, resume" },
      { keys: ["G"], what: "Follow the end" },
      { keys: ["g", "g"], what: "To the beginning" },
      { keys: ["w"], what: "Wrap lines" },
      { keys: ["t"], what: "Timestamps" },
      { keys: ["["], what: "Previous container" },
      { keys: ["]"], what: "Next container" },
      { keys: ["x"], what: "Actions of the container" }
    ]
  ]
]

/** Whether a key that is pressed there belongs to someone who types or chooses. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.closest("input, select, textarea, dialog, [role=menu]") !== null)
