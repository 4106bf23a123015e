import { useEffect, useRef } from "preact/hooks"
import { actionLabels, containerActions, isPossible } from "../model/ContainerActions.js"
import type { Container } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"

/** A container whose menu is open, and where on the screen. */
export interface OpenMenu {
  readonly container: Container
  readonly x: number
  readonly y: number
}

/** About as high as the menu is, in pixels. */
const menuHeight = 170

/** What can be done to a container of the rail. */
export const ContainerMenu = ({ menu, onClose }: { readonly menu: OpenMenu; readonly onClose: () => void }) => {
  const { actions, removing } = useModel()
  const element = useRef<HTMLDivElement>(null)
  const { container } = menu
  const closeMenu = useRef(onClose)
  closeMenu.current = onClose
  useEffect(() => {
    const end = (): void => closeMenu.current()
    const opener = document.activeElement
    element.current?.querySelector("button")?.focus()
    const close = (event: Event): void => {
      if (!(event.target instanceof Node) || element.current?.contains(event.target) !== true) end()
    }
    addEventListener("pointerdown", close)
    addEventListener("resize", end)
    return () => {
      removeEventListener("pointerdown", close)
      removeEventListener("resize", end)
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [container.id])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" || event.key === "Tab") return onClose()
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const items = Array.from(element.current?.querySelectorAll("button") ?? [])
    const focused = items.findIndex((item) => item === document.activeElement)
    items[(focused + step + items.length) % items.length]?.focus()
  }
  const choose = (run: () => void) => (): void => {
    onClose()
    run()
  }
  const style = { left: `${menu.x}px`, top: `${Math.max(8, Math.min(menu.y, innerHeight - menuHeight))}px` }
  return (
    <div ref={element} class="menu" role="menu" aria-label={container.name} style={style} onKeyDown={onKeyDown}>
      {containerActions
        .filter((action) => isPossible(action, container.state))
        .map((action) => (
          <button
            key={action}
            type="button"
            role="menuitem"
            onClick={choose(() => void actions.run(action, container))}
          >
            {actionLabels[action].idle}
          </button>
        ))}
      <button
        type="button"
        role="menuitem"
        class="danger"
        onClick={choose(() => {
          removing.value = container
        })}
      >
        Remove…
      </button>
    </div>
  )
}
