import { signal } from "@preact/signals"

/** How long a notice that needs no reading stays, in milliseconds. */
const infoTime = 10_000

/** What can be done about it: an address to go to, or something to run. */
export type NoticeAction =
  | { readonly label: string; readonly href: string }
  | { readonly label: string; readonly run: () => void }

/** Something that has happened, in words. */
export interface Notice {
  readonly id: number
  readonly tone: "info" | "bad"
  readonly text: string
  readonly action?: NoticeAction
}

/** What the page has to say about what was asked of it. */
export class Notices {
  readonly all = signal<ReadonlyArray<Notice>>([])
  #nextId = 1

  /** Problems stay until they are closed, everything else for a while. The same text is said once. */
  say(tone: Notice["tone"], text: string, action?: NoticeAction): void {
    const id = this.#nextId++
    const others = this.all.value.filter((notice) => notice.text !== text)
    this.all.value = [...others, { id, tone, text, ...(action === undefined ? {} : { action }) }].slice(-4)
    if (tone === "info") setTimeout(() => this.close(id), infoTime)
  }

  close(id: number): void {
    this.all.value = this.all.value.filter((notice) => notice.id !== id)
  }
}
