import * as Effect from "effect/Effect"
import type { EngineStatus } from "../Wire.js"

/** Whether the engine is available, as last reported. */
export class EngineAvailability {
  private readonly availableLatch = Effect.unsafeMakeLatch(false)
  private readonly checkedLatch = Effect.unsafeMakeLatch(false)
  private current: EngineStatus

  constructor(
    /** The fields of the status that never change. */
    private readonly engine: Pick<EngineStatus, "endpoint" | "demo">,
    /** Called when the status changes. */
    private readonly onChange: (status: EngineStatus) => void
  ) {
    const reason = `The Docker engine at ${engine.endpoint} has not been contacted yet.`
    this.current = { available: false, ...engine, reason, timestamp: new Date().toISOString() }
  }

  get status(): EngineStatus {
    return this.current
  }

  /** Completes when the engine is available. */
  get whenAvailable(): Effect.Effect<void> {
    return this.availableLatch.await
  }

  /** Completes when the engine was found available or unavailable for the first time. */
  get whenChecked(): Effect.Effect<void> {
    return this.checkedLatch.await
  }

  /** `version` is `undefined` until it is known. */
  setAvailable(version: string | undefined): void {
    this.update({ available: true, ...(version === undefined ? {} : { version }) })
    this.availableLatch.unsafeOpen()
  }

  setUnavailable(reason: string): void {
    this.update({ available: false, reason })
    this.availableLatch.unsafeClose()
  }

  private update(next: Pick<EngineStatus, "available" | "reason" | "version">): void {
    const { available, reason, version } = this.current
    const isChanged = next.available !== available || next.reason !== reason || next.version !== version
    this.current = { ...next, ...this.engine, timestamp: new Date().toISOString() }
    if (isChanged) this.onChange(this.current)
    this.checkedLatch.unsafeOpen()
  }
}
