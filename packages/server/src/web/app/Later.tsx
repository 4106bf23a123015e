import { signal } from "@preact/signals"
import type { ComponentType } from "preact"

/** A view that is loaded when it is first shown. If that fails, it says so, and can be tried again. */
export const later = <Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> => {
  const loaded = signal<{ readonly view: ComponentType<Props> } | undefined>(undefined)
  const failed = signal(false)
  let isLoading = false
  const start = async (): Promise<void> => {
    if (isLoading) return
    isLoading = true
    failed.value = false
    try {
      loaded.value = { view: await load() }
    } catch {
      failed.value = true
    }
    isLoading = false
  }
  return (props) => {
    const View = loaded.value?.view
    if (View !== undefined) return <View {...props} />
    if (failed.value) {
      return (
        <p class="empty" role="alert">
          This part of the page did not load. {/* A browser remembers that a module could not be loaded. */}
          <button type="button" onClick={() => location.reload()}>
            Reload the page
          </button>
        </p>
      )
    }
    void start()
    return (
      <p class="empty" role="status">
        Loading…
      </p>
    )
  }
}
