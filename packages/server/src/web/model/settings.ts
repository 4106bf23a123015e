/** What the browser remembers between visits. */
export type Setting = "times" | "wrap" | "theme" | "hideStopped" | "stats" | "keys" | "clock"

/** The value of a setting; undefined if it was never set, or if the browser allows this page no storage. */
export const loadSetting = (setting: Setting): string | undefined => {
  try {
    return localStorage.getItem(setting) ?? undefined
  } catch {
    return undefined
  }
}

export const saveSetting = (setting: Setting, value: string): void => {
  try {
    localStorage.setItem(setting, value)
  } catch {
    // As above.
  }
}
