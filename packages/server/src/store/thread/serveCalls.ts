/** Answers the calls of the main thread. */
import type { MessagePort } from "node:worker_threads"
import type { ThreadFailure } from "./messages.js"

/** Calls by name: what they take and what they give. */
export type Calls = { readonly [name: string]: { readonly takes: unknown; readonly gives: unknown } }

/** A call, and the port for its answer. */
export type CallMessage<C> = {
  readonly [K in keyof C]: C[K] extends { readonly takes: infer A }
    ? { readonly call: K; readonly takes: A; readonly port: MessagePort }
    : never
}[keyof C]

/** The answer to a call. */
export type CallAnswer<A> = { readonly gives: A } | { readonly failure: ThreadFailure }

/** What answers calls. */
export type Handlers<C> = {
  readonly [K in keyof C]: C[K] extends { readonly takes: infer A; readonly gives: infer B }
    ? (takes: A) => B | Promise<B>
    : never
}

/** An error as it can be sent. */
export const failureOf = (error: unknown): ThreadFailure => {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""
  return { code, message: error instanceof Error ? error.message : String(error) }
}

/** Answers a call with what `run` returns. */
export const answerCall = async <A>(port: MessagePort, run: () => A | Promise<A>): Promise<void> => {
  try {
    port.postMessage({ gives: await run() } satisfies CallAnswer<A>)
  } catch (error) {
    port.postMessage({ failure: failureOf(error) } satisfies CallAnswer<A>)
  }
  port.close()
}
