/** One operation, as far as memory keeps it. */
import { type OperationEvent, type OperationFailed, isOperationEnded } from "@dockwire/core/LogEvent"
import type {
  OperationDetails,
  OperationItem,
  OperationLogLine,
  OperationStatus,
  OperationSummary
} from "../../OperationSummary.js"
import { operationRoom } from "../../Wire.js"
import type { OperationOrigin } from "../OperationStore.js"

/** How much of an operation is kept. */
export interface MemoryRunLimits {
  readonly lines: number
  readonly characters: number
  readonly items: number
}

const lastLines = 20

const endStatus = {
  OperationCompleted: "completed",
  OperationFailed: "failed",
  OperationInterrupted: "interrupted"
} as const

/** One operation: its state, its last lines, and the last state of each item. */
export class MemoryRun {
  status: OperationStatus = "running"
  private endedAt: string | undefined
  private failed: OperationFailed | undefined
  private fraction: number | undefined
  private count = 0
  private lines: Array<OperationLogLine> = []
  private characters = 0
  private readonly items = new Map<string, OperationItem>()

  constructor(
    private readonly first: OperationEvent,
    private readonly origin: Omit<OperationOrigin, "logId">,
    private readonly limits: MemoryRunLimits
  ) {}

  get hasEnded(): boolean {
    return this.endedAt !== undefined
  }

  add(event: OperationEvent): void {
    if (event._tag === "OperationLine") this.addLine(event)
    else if (event._tag === "OperationProgress") {
      const { current, fraction, id, status, total } = event
      if (this.items.has(id) || this.items.size < this.limits.items) {
        this.items.set(id, {
          id,
          status,
          ...(current === undefined ? {} : { current }),
          ...(total === undefined ? {} : { total })
        })
      }
      this.fraction = fraction ?? this.fraction
    } else if (isOperationEnded(event)) {
      this.status = endStatus[event._tag]
      this.endedAt = event.timestamp
      if (event._tag === "OperationFailed") this.failed = event
      if (event._tag === "OperationInterrupted" && event.detail !== undefined) {
        this.addLine({ seq: event.seq, timestamp: event.timestamp, stream: "system", text: event.detail })
      }
    }
  }

  /** The lines after the event with this number that are still kept. */
  linesAfter(after: number, count: number): ReadonlyArray<OperationLogLine> {
    let from = this.lines.length
    while (from > 0 && (this.lines[from - 1]?.seq ?? 0) > after) from--
    return this.lines.slice(from, from + count)
  }

  get summary(): OperationSummary {
    const { kind, logId, target, timestamp } = this.first
    return {
      log_id: logId,
      room: operationRoom(logId),
      operation_type: kind,
      status: this.status,
      targets: this.origin.targets,
      config_id: target.configId ?? null,
      container_id: target.containerId ?? null,
      image_name: target.imageName ?? null,
      ...(this.origin.startedBy === undefined ? {} : { started_by: this.origin.startedBy }),
      started_at: timestamp,
      ...(this.endedAt === undefined ? {} : { ended_at: this.endedAt }),
      ...(this.failed === undefined ? {} : { error: this.failed.error }),
      lines: this.count
    }
  }

  get details(): OperationDetails {
    return {
      ...this.summary,
      ...(this.failed?.failure === undefined ? {} : { failure: this.failed.failure }),
      ...(this.fraction === undefined ? {} : { fraction: this.fraction }),
      progress: [...this.items.values()],
      last_lines: this.lines.slice(-lastLines).map(({ text }) => text)
    }
  }

  private addLine({ seq, stream, text, timestamp }: OperationLogLine): void {
    this.count++
    this.characters += text.length
    this.lines.push({ seq, timestamp, stream, text })
    if (this.lines.length <= this.limits.lines && this.characters <= this.limits.characters) return
    // Halved rather than shifted, so that a line costs the same however many there are.
    const dropped = this.lines.splice(0, Math.ceil(this.lines.length / 2))
    for (const line of dropped) this.characters -= line.text.length
  }
}
