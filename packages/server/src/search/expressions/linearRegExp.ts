/** Finds expressions that V8's own engine runs in linear time, and with the same result as RE2. */

/** What tells how RE2 runs an expression. */
export interface Instruction {
  /** The next instruction. */
  readonly out: number
  /** The other next instruction, of a choice. */
  readonly other: number | undefined
}

/** The most steps from one place in a line: an engine that backtracks tries each place. */
const maxSteps = 300

/**
 * How many steps an engine that backtracks takes at most from one place; `undefined` if there is no bound because the
 * expression repeats something without one, or the bound is too high.
 */
const stepsOf = (program: ReadonlyArray<Instruction | undefined>, start: number): number | undefined => {
  const known = new Map<number, number>()
  const open = new Set<number>()
  const count = (index: number): number => {
    const instruction = program[index]
    if (instruction === undefined) return 1
    const before = known.get(index)
    if (before !== undefined) return before
    if (open.has(index) || open.size > maxSteps) return Number.POSITIVE_INFINITY
    open.add(index)
    const { other, out } = instruction
    const steps = 1 + count(out) + (other === undefined ? 0 : count(other))
    open.delete(index)
    known.set(index, steps)
    return steps
  }
  const steps = count(start)
  return steps <= maxSteps ? steps : undefined
}

/**
 * Syntax that means the same in both engines, with the flags `s` and `u`. Not among it: `\s`, Unicode properties, POSIX
 * classes, flags in the middle.
 */
const sameSyntax = /^(?:[^\\[(]|\\[^sSpPQECAz]|\[(?!:)|\((?!\?)|\(\?:)*$/

/** With `i` and `u`, V8 takes the long s and the Kelvin sign for letters of words. */
const wordSyntax = /\\[wWbB]/

/** The expression for V8, or `undefined` if only RE2 may run it. */
export const linearRegExp = (
  source: string,
  ignoreCase: boolean,
  program: ReadonlyArray<Instruction | undefined>,
  start: number
): RegExp | undefined => {
  if (!sameSyntax.test(source) || (ignoreCase && wordSyntax.test(source))) return undefined
  if (stepsOf(program, start) === undefined) return undefined
  try {
    return new RegExp(source, ignoreCase ? "gisu" : "gsu")
  } catch {
    return undefined
  }
}
