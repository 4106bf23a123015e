/** What the calls of functions have come to. */
export interface Covered<T> {
  /** The functions, which keep a record of their results. */
  readonly functions: T
  /** Begins a new part of the record: calls that are made under other circumstances. */
  readonly under: (circumstances: string) => void
  /** The functions whose calls have come to each of these: `succeeded`, `failed`, or other circumstances. */
  readonly what: (result: string) => ReadonlyArray<string>
}

/** Whether it is an old function that returns a promise. */
const isOld = (name: string): boolean => /^[a-z]+_/.test(name) && name !== "create_logger"

/** Whether a result of an old function says that it has succeeded. A list is empty if it has not. */
const isSuccess = (result: unknown): boolean =>
  Array.isArray(result) ? result.length > 0 && result[0] !== false : result !== false && result !== "error"

/** Keeps a record of what the functions of a module come to, so that a test can tell which cases nothing has covered. */
export const covered = <T extends object>(module: T): Covered<T> => {
  const record = new Map<string, Set<string>>()
  let circumstances = ""
  const note = (name: string, success: boolean) => {
    const result = success ? "succeeded" : circumstances === "" ? "failed" : circumstances
    record.set(result, (record.get(result) ?? new Set()).add(name))
  }
  // A proxy of the module itself must give out the very functions of the module.
  const functions = new Proxy(
    { ...module },
    {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== "function" || typeof name !== "string" || !isOld(name)) return member
        return async (...args: ReadonlyArray<unknown>): Promise<unknown> => {
          const result: unknown = await Reflect.apply(member, undefined, args)
          note(name, isSuccess(result))
          return result
        }
      }
    }
  )
  return {
    functions,
    under: (name) => {
      circumstances = name
    },
    what: (result) => [...(record.get(result) ?? [])].toSorted()
  }
}
