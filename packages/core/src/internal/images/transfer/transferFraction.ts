import type { TransferMessage } from "./transferMessage.js"

/** How far a layer is. */
interface Layer {
  /** The largest total that was ever reported, in bytes; 0 while none was. After a break, the engine reports what remains. */
  largest: number
  /** How much of it has been downloaded or uploaded, from 0 to 1. */
  transferred: number
  /** How much of it has been extracted, from 0 to 1. */
  extracted: number
}

/** States in which a layer has only been announced. */
const announced = new Set(["Pulling fs layer", "Already exists", "Waiting", "Preparing"])

const isTransferred = /^(?:Verifying Checksum|Download complete|Extracting)$/
const isComplete = /^(?:Pull complete|Already exists|Layer already exists|Pushed|Mounted from )/

/** Not 1 before there is a result. */
const most = 0.99

/**
 * The fraction of a whole transfer that is done. It never goes back, although layers become known one after the other, and
 * their sizes only when they start.
 *
 * It is 0 until a layer is more than announced. A layer weighs what the largest of its totals says, or as much as the others on
 * average as long as it has none. Of a pull, the download is four fifths and the extraction one fifth.
 */
export class TransferFraction {
  readonly #extraction: number
  readonly #layers = new Map<string, Layer>()
  #hasStarted = false
  #published = 0

  constructor(kind: "pull" | "push") {
    this.#extraction = kind === "pull" ? 0.2 : 0
  }

  /** Takes in a message about a layer, and returns the fraction. */
  update(id: string, status: string, message: TransferMessage): number {
    const layer = this.#layers.get(id) ?? { largest: 0, transferred: 0, extracted: 0 }
    this.#layers.set(id, layer)
    advance(layer, status, message)
    this.#hasStarted ||= !announced.has(status)
    if (this.#hasStarted) this.#published = Math.max(this.#published, Math.min(most, this.#share()))
    return this.#published
  }

  #share(): number {
    const layers = [...this.#layers.values()]
    const known = layers.filter(({ largest }) => largest > 0)
    const mean = known.length === 0 ? 1 : known.reduce((sum, { largest }) => sum + largest, 0) / known.length
    let done = 0
    let whole = 0
    for (const { extracted, largest, transferred } of layers) {
      const weight = largest > 0 ? largest : mean
      done += weight * ((1 - this.#extraction) * transferred + this.#extraction * extracted)
      whole += weight
    }
    return done / whole
  }
}

const advance = (layer: Layer, status: string, { current = 0, total = 0, units }: TransferMessage): void => {
  // Some engines count seconds.
  const isBytes = units === undefined && total > 0
  if (isBytes) layer.largest = Math.max(layer.largest, total)
  if (isComplete.test(status)) {
    layer.transferred = 1
    layer.extracted = 1
  } else if (isTransferred.test(status)) {
    layer.transferred = 1
    if (status === "Extracting" && isBytes) layer.extracted = Math.min(1, current / total)
  } else if ((status === "Downloading" || status === "Pushing") && isBytes) {
    const transferred = (layer.largest - total + current) / layer.largest
    layer.transferred = Math.min(1, Math.max(0, transferred))
  }
}
