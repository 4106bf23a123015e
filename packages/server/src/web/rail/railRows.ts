import { type Container, isAlive } from "../model/Containers.js"

/** A row of the rail: a project, a service of several containers, or a container. */
export type RailRow =
  | {
      readonly kind: "group"
      /** `shop`, or `shop/web` for a service. */
      readonly key: string
      readonly name: string
      readonly depth: number
      readonly running: number
      readonly total: number
      readonly folded: boolean
    }
  | { readonly kind: "container"; readonly container: Container; readonly depth: number }

/** What of the containers to show. */
export interface RailOptions {
  readonly filter: string
  readonly hideStopped: boolean
  /** The keys of groups whose rows are not shown. */
  readonly folded: ReadonlySet<string>
  /** Is always shown. */
  readonly selected: string | undefined
}

const collator = new Intl.Collator("en", { numeric: true })

const byName = (one: Container, other: Container): number =>
  Number(isAlive(other.state)) - Number(isAlive(one.state)) || collator.compare(one.name, other.name)

/** Every word of the filter appears somewhere. */
const matches = (
  { health = "", image, name, project = "", service = "", state }: Container,
  words: ReadonlyArray<string>
) => {
  const text =
    `${name} ${project} ${service} ${image} ${state === "exited" ? "stopped" : state} ${health}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

const groupBy = (
  all: ReadonlyArray<Container>,
  key: (container: Container) => string
): ReadonlyArray<readonly [key: string, members: ReadonlyArray<Container>]> => {
  const groups = new Map<string, Array<Container>>()
  for (const container of all) {
    const members = groups.get(key(container))
    if (members === undefined) groups.set(key(container), [container])
    else members.push(container)
  }
  return Array.from(groups).sort(([one], [other]) => collator.compare(one, other))
}

/** Projects with their services and containers first, then the containers that belong to none. */
export const railRows = (
  containers: ReadonlyArray<Container>,
  { filter, folded, hideStopped, selected }: RailOptions
): ReadonlyArray<RailRow> => {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
  const shown = containers
    .filter((each) => each.id === selected || ((!hideStopped || isAlive(each.state)) && matches(each, words)))
    .sort(byName)
  const rows: Array<RailRow> = []
  /** Returns whether the members are shown. While one filters, all that match are. */
  const addGroup = (key: string, name: string, depth: number, members: ReadonlyArray<Container>): boolean => {
    const isFolded = folded.has(key) && words.length === 0
    const running = members.filter(({ state }) => isAlive(state)).length
    rows.push({ kind: "group", key, name, depth, running, total: members.length, folded: isFolded })
    return !isFolded
  }
  const add = (members: ReadonlyArray<Container>, depth: number): void => {
    for (const container of members) rows.push({ kind: "container", container, depth })
  }
  const alone = shown.filter(({ project }) => project === undefined)
  const inProjects = shown.filter(({ project }) => project !== undefined)
  for (const [project, members] of groupBy(inProjects, (each) => each.project ?? "")) {
    if (!addGroup(project, project, 0, members)) continue
    for (const [service, replicas] of groupBy(members, (each) => each.service ?? each.name)) {
      if (replicas.length === 1) add(replicas, 1)
      else if (addGroup(`${project}/${service}`, service, 1, replicas)) add(replicas, 2)
    }
  }
  if (alone.length > 0 && inProjects.length > 0) {
    if (addGroup("", "Other containers", 0, alone)) add(alone, 1)
  } else add(alone, 0)
  return rows
}
