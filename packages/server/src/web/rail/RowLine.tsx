import { ActivityMark } from "./ActivityMark.js"
import { isAlive } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"
import { routeTo } from "../Route.js"
import type { OpenMenu } from "./ContainerMenu.js"
import type { RailRow } from "./railRows.js"
import { StateMark } from "./StateMark.js"

interface RowLineProps {
  readonly row: RailRow
  readonly selected: boolean
  readonly onFold: (key: string) => void
  readonly onMenu: (menu: OpenMenu) => void
}

/** One line of the rail. */
export const RowLine = ({ onFold, onMenu, row, selected }: RowLineProps) => {
  const { session } = useModel()
  if (row.kind === "group") {
    return (
      <button
        type="button"
        class="group"
        data-depth={row.depth}
        aria-expanded={!row.folded}
        onClick={() => onFold(row.key)}
      >
        <span class="group-name">{row.name}</span>
        <span class="group-count">
          {row.running === row.total ? row.total : `${row.running} of ${row.total}`}
          <span class="unseen"> running</span>
        </span>
      </button>
    )
  }
  const { container, depth } = row
  const { health, id, image, name, project, state, status } = container
  const prefix = project !== undefined && name.startsWith(`${project}-`) ? `${project}-` : ""
  return (
    <>
      <a
        class="container"
        data-depth={depth}
        data-alive={isAlive(state)}
        href={routeTo(name)}
        aria-current={selected ? "page" : undefined}
        title={[name, image, status].filter((text) => text !== "").join("\n")}
      >
        <span class="container-name">
          <span class="prefix">{prefix}</span>
          {name.slice(prefix.length)}
        </span>
        {isAlive(state) && <ActivityMark id={id} />}
        <StateMark state={state} health={health} />
      </a>
      {session.may("operate") && (
        <button
          type="button"
          class="row-menu"
          aria-label={`Actions for ${name}`}
          aria-haspopup="menu"
          onClick={(event) => {
            const { bottom, left } = event.currentTarget.getBoundingClientRect()
            onMenu({ container, x: Math.min(left, innerWidth - 180), y: bottom })
          }}
        >
          ⋯
        </button>
      )}
    </>
  )
}
