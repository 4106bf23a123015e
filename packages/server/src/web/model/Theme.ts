import { effect, signal } from "@preact/signals"
import { loadSetting, saveSetting } from "./settings.js"

/** The themes that one can choose from. `system` is as the system is. */
export const themes = { system: "System", light: "Light", dark: "Dark", contrast: "High contrast" } as const

export type ThemeName = keyof typeof themes

const isTheme = (name: string | undefined): name is ThemeName => name !== undefined && name in themes

/** The colors of the page. */
export class Theme {
  readonly name = signal<ThemeName>("system")

  /** `onChange` is called after each change, also of the system. */
  constructor(onChange: () => void) {
    const stored = loadSetting("theme")
    if (isTheme(stored)) this.name.value = stored
    const dark = matchMedia("(prefers-color-scheme: dark)")
    const contrast = matchMedia("(prefers-contrast: more)")
    const apply = (): void => {
      const name = this.name.value
      const root = document.documentElement
      // High contrast keeps the brightness of the system.
      if (name === "light" || name === "dark") root.dataset["theme"] = name
      else delete root.dataset["theme"]
      root.toggleAttribute("data-contrast", name === "contrast" || (name === "system" && contrast.matches))
      onChange()
    }
    effect(apply)
    for (const query of [dark, contrast]) query.addEventListener("change", apply)
  }

  choose(name: string): void {
    if (!isTheme(name)) return
    this.name.value = name
    saveSetting("theme", name)
  }
}
