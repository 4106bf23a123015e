/** A thread of the store, as the main thread sees it. */
import { MessageChannel, type TransferListItem, Worker } from "node:worker_threads"
import type { ThreadData, WriterNews } from "../thread/messages.js"
import type { CallAnswer } from "../thread/serveCalls.js"

/** A call failed. */
export class CallFailed extends Error {
  constructor(
    readonly code: string,
    message: string
  ) {
    super(message)
  }
}

const ended = new CallFailed("THREAD_ENDED", "The thread of the log store has ended.")

type Takes<C, K extends keyof C> = C[K] extends { readonly takes: infer A } ? A : never
type Gives<C, K extends keyof C> = C[K] extends { readonly gives: infer A } ? A : never

/** A thread that takes the calls `C`. */
export class StoreThread<C> {
  private readonly worker: Worker
  private readonly failures = new Set<(error: CallFailed) => void>()
  private hasEnded = false
  /** Resolves when the thread has ended. */
  readonly exited: Promise<void>

  constructor(program: URL, data: ThreadData, onNews: (news: WriterNews) => void = () => {}) {
    this.worker = new Worker(program, {
      workerData: data,
      // None of the options and of the environment of this process are for the store.
      execArgv: [],
      env: {},
      // What it does not need for long should not stay: it would keep 64 MB of it for as long as it can.
      resourceLimits: { maxYoungGenerationSizeMb: 16 }
    })
    this.worker.unref()
    this.worker.on("message", onNews)
    this.exited = new Promise((resolve) => {
      this.worker.once("exit", () => {
        this.end()
        resolve()
      })
    })
    this.worker.on("error", (error) => onNews({ news: "broken", code: "THREAD_DIED", message: error.message }))
  }

  /** Sends what is not answered. */
  send(message: unknown, transfer: ReadonlyArray<TransferListItem> = []): void {
    this.worker.postMessage(message, transfer)
  }

  /** Makes a call. While it waits for the answer, the process stays alive. */
  ask<K extends keyof C>(call: K, takes: Takes<C, K>): Promise<Gives<C, K>> {
    if (this.hasEnded) return Promise.reject(ended)
    return new Promise((resolve, reject) => {
      const { port1, port2 } = new MessageChannel()
      const settle = () => {
        this.failures.delete(fail)
        port1.close()
      }
      const fail = (error: CallFailed) => {
        settle()
        reject(error)
      }
      this.failures.add(fail)
      port1.once("message", (answer: CallAnswer<Gives<C, K>>) => {
        settle()
        if ("failure" in answer) reject(new CallFailed(answer.failure.code, answer.failure.message))
        else resolve(answer.gives)
      })
      this.worker.postMessage({ call, takes, port: port2 }, [port2])
    })
  }

  private end(): void {
    this.hasEnded = true
    for (const fail of this.failures) fail(ended)
  }
}
