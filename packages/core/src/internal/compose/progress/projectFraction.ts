import type { ComposeEvent } from "./composeEvent.js"

/** The words of something that is going on. With any other word it is done, or as far as it gets. */
const underWay =
  /^(?:Creating|Recreate|Starting|Waiting|Restarting|Stopping|Killing|Removing|Pulling|Pulling fs layer|Building|Downloading|Verifying Checksum|Download complete|Extracting)$/

/** Not 1 before the operation has succeeded. */
const most = 0.99

/** By command, the words after which the same container goes on to something else. */
const halfway: Readonly<Record<string, RegExp>> = {
  up: /^(?:Created|Recreate|Recreated|Starting|Waiting)$/,
  down: /^(?:Stopped|Removing)$/
}

/** Until the containers are known, what `up` has done of its images, networks and volumes is at most this part of it. */
const beforeContainers = 0.5

/** Of a layer, the download is four fifths and the extraction one fifth. */
const shareOf = ({ current = 0, resource, status, total = 0 }: ComposeEvent, command: string): number => {
  if (resource.kind === "container" && halfway[command]?.test(status) === true) return 0.5
  if (!underWay.test(status)) return 1
  if (resource.kind !== "layer") return 0
  const amount = total > 0 ? Math.min(1, current / total) : 0
  switch (status) {
    case "Downloading":
      return 0.8 * amount
    case "Verifying Checksum":
    case "Download complete":
      return 0.8
    case "Extracting":
      return 0.8 + 0.2 * amount
    default:
      return 0
  }
}

/**
 * The fraction of an operation on a project that is done. It never goes back, although resources become known one after the
 * other, and containers go through several states.
 */
export class ProjectFraction {
  readonly #shares = new Map<string, number>()
  #hasContainers = false
  #done = 0
  #published = 0

  /** @param command the command of compose, such as `up` */
  constructor(readonly command: string) {}

  get value(): number {
    return this.#published
  }

  /** Takes in an event about an item, and returns the fraction. */
  update(id: string, event: ComposeEvent): number {
    const share = shareOf(event, this.command)
    this.#done += share - (this.#shares.get(id) ?? 0)
    this.#shares.set(id, share)
    this.#hasContainers ||= event.resource.kind === "container"
    const limit = this.command === "up" && !this.#hasContainers ? beforeContainers : 1
    this.#published = Math.max(this.#published, Math.min(most, (limit * this.#done) / this.#shares.size))
    return this.#published
  }
}
