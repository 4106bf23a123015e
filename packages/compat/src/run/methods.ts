import { GuardedLog, isOperationLog, type OperationLog } from "../operations/operationLog.js"

/**
 * How a method takes a logger: as it is, or as in keyword style.
 *
 * @since 0.1.0
 * @category models
 */
export type LoggerArgument = OperationLog | { readonly logger: OperationLog | null | undefined } | null

type AnyFunction = (...args: never) => unknown

/** The parameters of a function without its own logger. */
type WithoutLog<A extends ReadonlyArray<unknown>> = A extends [...infer First, (OperationLog | null | undefined)?]
  ? Extract<A[number], OperationLog> extends never
    ? A
    : First
  : A

/**
 * Functions as methods, which take a logger as the last argument.
 *
 * @since 0.1.0
 * @category models
 */
export type Methods<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: [...WithoutLog<A>, logger?: LoggerArgument]) => R
    : never
}

/** The logger of keyword style. */
const loggerIn = (value: unknown): { readonly logger: unknown } | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  try {
    return Object.keys(value).join() === "logger" ? { logger: Reflect.get(value, "logger") } : undefined
  } catch {
    return undefined
  }
}

/** Takes the logger off the end of the arguments. */
const splitLogger = (args: ReadonlyArray<unknown>): readonly [ReadonlyArray<unknown>, OperationLog | undefined] => {
  const last = args.at(-1)
  if (isOperationLog(last)) return [args.slice(0, -1), last]
  const keyword = loggerIn(last)
  if (keyword === undefined) return [args, undefined]
  const { logger } = keyword
  if (isOperationLog(logger)) return [args.slice(0, -1), logger]
  return logger === undefined || logger === null ? [args.slice(0, -1), undefined] : [args, undefined]
}

/** Whether a result of an old function says that it succeeded. */
const isSuccess = (result: unknown): boolean =>
  Array.isArray(result) && typeof result[0] === "boolean" ? result[0] : result !== false && result !== "error"

/** Tells a logger what came out of a function that knows no logger. */
const logResult = (logger: OperationLog, result: unknown): void => {
  const log = new GuardedLog(logger)
  const text: unknown = Array.isArray(result) && typeof result[0] === "boolean" ? result[1] : undefined
  if (typeof text === "string") for (const line of text.split("\n")) if (line !== "") log.line(line)
  log.complete(isSuccess(result))
}

/**
 * Gives a class the functions as methods. Those in `operations` have an `operation_log` of their own as the last parameter; others
 * tell the logger their result.
 */
export const addMethods = (
  target: object,
  functions: Readonly<Record<string, AnyFunction>>,
  operations: ReadonlySet<AnyFunction>
): void => {
  for (const [name, call] of Object.entries(functions)) {
    const method = async (...given: ReadonlyArray<unknown>): Promise<unknown> => {
      const [args, logger] = splitLogger(given)
      if (logger === undefined) return apply(call, args)
      if (operations.has(call)) {
        const own = call.length - 1
        return apply(call, [...Array.from({ length: own }, (_, index) => args[index]), logger])
      }
      const result = await apply(call, args)
      logResult(logger, result)
      return result
    }
    Object.defineProperty(target, name, { value: method, configurable: true, writable: true })
  }
}

const apply = async (call: AnyFunction, args: ReadonlyArray<unknown>): Promise<unknown> => {
  const result: unknown = Reflect.apply(call, undefined, args)
  return await result
}
