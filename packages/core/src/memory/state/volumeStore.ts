import * as Effect from "effect/Effect"
import type { EngineClock } from "../time/engineClock.js"
import { type ErrorResponse, errorResponse } from "./errorResponse.js"
import type { EventJournal } from "./eventJournal.js"
import { type MemoryDirectory, newDirectory } from "./fileTree.js"
import { newId } from "./objectId.js"

/** A volume. */
export interface MemoryVolume {
  readonly name: string
  readonly files: MemoryDirectory
  readonly created: bigint
  readonly options: Readonly<Record<string, string>> | null
  readonly labels: Readonly<Record<string, string>> | null
  /** Whether it was created without a name. */
  readonly anonymous: boolean
}

/** How to create a volume. */
export interface VolumeSettings {
  /** Generated if empty. */
  readonly name: string
  readonly driver?: string | undefined
  readonly options?: Readonly<Record<string, string>> | null | undefined
  readonly labels?: Readonly<Record<string, string>> | null | undefined
}

/** The path of a volume on the simulated host. */
export const mountpoint = (name: string): string => `/var/lib/docker/volumes/${name}/_data`

const anonymousLabel = "com.docker.volume.anonymous"
const localDriverOptions = ["type", "o", "device", "size"]

/** The engine's volumes, by name. */
export class VolumeStore extends Map<string, MemoryVolume> {
  constructor(
    readonly clock: EngineClock,
    readonly journal: EventJournal
  ) {
    super()
  }

  /** Creates a volume, or returns the existing one of that name. */
  create(settings: VolumeSettings): Effect.Effect<MemoryVolume, ErrorResponse> {
    return Effect.gen(this, function* () {
      const anonymous = settings.name === ""
      const name = anonymous ? newId() : settings.name
      const invalid = creationError({ ...settings, name })
      if (invalid !== undefined) return yield* invalid
      const existing = this.get(name)
      if (existing !== undefined) return existing
      const now = yield* this.clock.now
      const volume: MemoryVolume = {
        name,
        files: newDirectory(now),
        created: now,
        options: settings.options ?? null,
        labels: anonymous ? { ...settings.labels, [anonymousLabel]: "" } : (settings.labels ?? null),
        anonymous
      }
      this.set(name, volume)
      yield* this.journal.publish("volume", "create", name, { driver: "local" })
      return volume
    })
  }

  /** Removes a volume, whether it is in use or not. */
  remove({ name }: MemoryVolume): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.delete(name)
      return this.journal.publish("volume", "destroy", name, { driver: "local" })
    })
  }
}

/** Why a volume cannot be created, if it cannot. */
const creationError = ({ driver = "", name, options }: VolumeSettings): ErrorResponse | undefined => {
  if (driver !== "" && driver !== "local") {
    const message = `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`
    return errorResponse(404, message)
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    const message =
      name.length === 1
        ? `create ${name}: volume name is too short, names should be at least two alphanumeric characters`
        : `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`
    return errorResponse(400, message)
  }
  const unknown = Object.keys(options ?? {}).find((key) => !localDriverOptions.includes(key))
  return unknown === undefined ? undefined : errorResponse(400, `create ${name}: invalid option: "${unknown}"`)
}
