/** Which operation was started with which `Idempotency-Key`. */
import { createHash } from "node:crypto"
import type { OperationRequest } from "./OperationRequest.js"

/** How many keys are remembered, and for how long. */
export interface IdempotencyLimits {
  readonly keys: number
  /** Milliseconds. */
  readonly age: number
}

export const defaultIdempotencyLimits: IdempotencyLimits = { keys: 10_000, age: 24 * 60 * 60 * 1000 }

/** What is remembered of a key. */
export interface RememberedKey {
  /** A hash of the key and of whose it is. */
  readonly key: string
  /** A hash of the request. */
  readonly request: string
  readonly logId: string
  /** When it was first used, in milliseconds. */
  readonly at: number
}

const hash = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("base64url")

/** The same JSON for equal objects, whatever the order of their keys. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => [key, sorted(field)])
}

/** The key of a request and the hash of what it asks; `undefined` if it has no key. */
export const keyOf = (request: OperationRequest): Pick<RememberedKey, "key" | "request"> | undefined =>
  request.idempotencyKey === undefined
    ? undefined
    : {
        key: hash([request.startedBy ?? null, request.idempotencyKey]),
        request: hash([request.operation.kind, request.targets, sorted(request.asked ?? null)])
      }

/** The keys of the last requests, the oldest first. */
export class IdempotencyKeys {
  private readonly keys = new Map<string, RememberedKey>()

  constructor(private readonly limits: IdempotencyLimits) {}

  find(key: string, now: number): RememberedKey | undefined {
    this.forgetOld(now)
    return this.keys.get(key)
  }

  remember(remembered: RememberedKey): void {
    this.keys.set(remembered.key, remembered)
    this.forgetOld(remembered.at)
  }

  private forgetOld(now: number): void {
    for (const [key, { at }] of this.keys) {
      if (this.keys.size <= this.limits.keys && now - at <= this.limits.age) return
      this.keys.delete(key)
    }
  }
}
