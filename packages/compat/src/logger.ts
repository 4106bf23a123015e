/**
 * Loggers: they receive the lines of an operation while it runs, and can send them to the pages that watch.
 *
 * @since 0.1.0
 */
import type { OperationStream } from "@dockwire/core/LogEvent"
import { randomUUID } from "node:crypto"
import { defectText } from "./run/defectText.js"
import type { EventOptions } from "./operations/eventOptions.js"
import { warn } from "./runtime.js"

/**
 * Sends events to those who have joined a room: a Socket.IO server, or anything with `to(room).emit(event, payload)`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SocketIo {
  to(room: string): { emit(event: string, payload: unknown): unknown }
}

/**
 * What a logger logs.
 *
 * @since 0.1.0
 * @category models
 */
export interface LoggerOptions {
  /** Such as `run_compose`. */
  readonly operation_type: string
  /** The caller's id of a compose file. */
  readonly config_id?: string | number | null
  readonly container_id?: string | null
  readonly image_name?: string | null
  /** Whether the events of the operation go to the `logSink` of `configure`. Default `true`. */
  readonly use_db?: boolean
}

/**
 * Options of `create_logger`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreateLoggerOptions extends LoggerOptions {
  /** Whether to send each line to `socket_io`. Default `false`. */
  readonly use_websocket?: boolean
  readonly socket_io?: SocketIo | null
  /** Default `docker_logs`. */
  readonly room?: string
}

/** The options, also of a caller who has passed none. */
const fieldsOf = (options: CreateLoggerOptions | undefined | null): CreateLoggerOptions =>
  options ?? { operation_type: "unknown" }

/**
 * Keeps the lines of an operation, and how it ended. It serves as an `operation_log`.
 *
 * @since 0.1.0
 * @category loggers
 */
export class DockerLogger {
  readonly operation_type: string
  readonly config_id: string | number | null
  readonly container_id: string | null
  readonly image_name: string | null
  /** A UUID. */
  readonly log_id: string = randomUUID()
  readonly log_lines: Array<string> = []
  readonly started_at: Date = new Date()
  completed_at: Date | null = null
  status: "running" | "completed" | "failed" = "running"
  /** For the functions of this package: what the operation's events are about, and whether they go to the `logSink`. */
  readonly eventOptions: EventOptions

  constructor(options: LoggerOptions) {
    const { config_id, container_id, image_name, operation_type, use_db } = fieldsOf(options)
    this.operation_type = defectText(operation_type)
    this.config_id = config_id ?? null
    this.container_id = container_id ?? null
    this.image_name = image_name ?? null
    this.eventOptions = {
      toSink: use_db ?? true,
      logId: this.log_id,
      target: {
        ...(config_id == null ? {} : { configId: config_id }),
        ...(container_id == null ? {} : { containerId: container_id }),
        ...(image_name == null ? {} : { imageName: image_name })
      }
    }
  }

  /** Adds a line. What is no text is added as one. */
  add_log_line(line: string, _stream: OperationStream = "stdout"): void {
    this.log_lines.push(defectText(line))
  }

  /** Ends the log. Only the first call has an effect. */
  complete(success: boolean = true): void {
    if (this.status !== "running") return
    this.status = success ? "completed" : "failed"
    this.completed_at = new Date()
  }

  /** The lines as one text. */
  get_log_content(): string {
    return this.log_lines.join("\n")
  }
}

/**
 * A logger that also sends each line, and how the operation ended, to a room: the events `docker_log` and `docker_log_complete`.
 *
 * @since 0.1.0
 * @category loggers
 */
export class WebSocketLogger extends DockerLogger {
  readonly socket_io: SocketIo
  readonly room: string
  #hasWarned = false

  constructor(options: LoggerOptions & { readonly socket_io: SocketIo; readonly room?: string }) {
    super(options)
    this.socket_io = options.socket_io
    this.room = options.room ?? "docker_logs"
  }

  override add_log_line(line: string, stream: OperationStream = "stdout"): void {
    super.add_log_line(line, stream)
    this.#emit("docker_log", { ...this.#about(new Date()), line: this.log_lines.at(-1), stream })
  }

  override complete(success: boolean = true): void {
    if (this.status !== "running") return
    super.complete(success)
    const last = this.log_lines.at(-1) ?? "The operation failed."
    this.#emit("docker_log_complete", {
      ...this.#about(this.completed_at ?? new Date()),
      success,
      ...(success ? {} : { error: last })
    })
  }

  #about(time: Date) {
    return {
      log_id: this.log_id,
      operation_type: this.operation_type,
      config_id: this.config_id,
      container_id: this.container_id,
      image_name: this.image_name,
      timestamp: time.toISOString(),
      status: this.status
    }
  }

  /** The operation does not depend on who watches it. */
  #emit(event: string, payload: object): void {
    try {
      this.socket_io.to(this.room).emit(event, payload)
    } catch (error) {
      if (!this.#hasWarned) warn(`socket_io could not send ${event} to the room "${this.room}": ${defectText(error)}`)
      this.#hasWarned = true
    }
  }
}

/**
 * Creates a logger: a `WebSocketLogger` if `use_websocket` is set and there is a `socket_io`, else a `DockerLogger`.
 *
 * @example
 * ```ts
 * import { create_logger } from "@dockwire/compat"
 *
 * const logger = create_logger({ operation_type: "run_compose", config_id: 1 })
 * logger.add_log_line("Starting")
 * logger.complete()
 * console.log(logger.status, logger.get_log_content())
 * ```
 *
 * @since 0.1.0
 * @category loggers
 */
export const create_logger = (options: CreateLoggerOptions): DockerLogger => {
  const { room, socket_io, use_websocket, ...own } = fieldsOf(options)
  return use_websocket === true && socket_io != null
    ? new WebSocketLogger({ ...own, socket_io, ...(room === undefined ? {} : { room }) })
    : new DockerLogger(own)
}
