/**
 * A container as the engine last reported it.
 *
 * @since 0.1.0
 * @category models
 */
export interface KnownContainer {
  /** Full id. */
  readonly id: string
  readonly name: string
  /** `running`, `stopped`, `paused`, ...: as in `container_status_change`. */
  readonly status: string
}

/** How many names of removed containers are kept. */
const maxRemovedNames = 1_000

/** The containers on the engine, indexed by id and name. */
export class KnownContainers {
  private readonly byId = new Map<string, KnownContainer>()
  private readonly idByName = new Map<string, string>()
  /** The id of the last removed container that had a name. */
  private readonly removedByName = new Map<string, string>()

  /** Finds a container by name, full id, or unambiguous short id. */
  find(idOrName: string): KnownContainer | undefined {
    const id = this.idByName.get(idOrName)
    if (id !== undefined) return this.byId.get(id)
    const exact = this.byId.get(idOrName)
    if (exact !== undefined || !/^[0-9a-f]{12,63}$/.test(idOrName)) return exact
    let found: KnownContainer | undefined
    for (const container of this.byId.values()) {
      if (!container.id.startsWith(idOrName)) continue
      if (found !== undefined) return undefined
      found = container
    }
    return found
  }

  get(id: string): KnownContainer | undefined {
    return this.byId.get(id)
  }

  /** Adds or updates a container. */
  set(container: KnownContainer): void {
    const before = this.byId.get(container.id)
    if (before !== undefined && before.name !== container.name) this.releaseName(before)
    this.byId.set(container.id, container)
    this.idByName.set(container.name, container.id)
  }

  remove(id: string): void {
    const container = this.byId.get(id)
    if (container === undefined) return
    this.byId.delete(id)
    this.releaseName(container)
    this.removedByName.delete(container.name)
    this.removedByName.set(container.name, id)
    const [oldest] = this.removedByName.keys()
    if (this.removedByName.size > maxRemovedNames && oldest !== undefined) this.removedByName.delete(oldest)
  }

  /** The id of the removed container that had this name last. Returns it only once. */
  takePredecessor(name: string): string | undefined {
    const id = this.removedByName.get(name)
    this.removedByName.delete(name)
    return id
  }

  /** Another container may have taken the name by now. */
  private releaseName({ id, name }: KnownContainer): void {
    if (this.idByName.get(name) === id) this.idByName.delete(name)
  }
}
