import type * as Duration from "effect/Duration"
import {
  type ComposeCommandError,
  type ComposeCommandPattern,
  type ComposeRun,
  matchesCommand,
  type MemoryComposeCommand
} from "./composeStep.js"

type Fault =
  | { readonly _tag: "Delay"; readonly delay: Duration.DurationInput }
  | { readonly _tag: "Failure"; readonly error: ComposeCommandError }

/** A command that was run. */
export interface RecordedCommand extends Omit<ComposeRun, "act"> {}

const capacity = 10_000

/** The scripts and faults of commands, and those that were run. */
export class ComposeScripts {
  readonly #commands: Array<RecordedCommand> = []
  #rules: Array<{ readonly pattern: ComposeCommandPattern; readonly fault: Fault; remaining: number }> = []

  constructor(readonly scripts: ReadonlyArray<MemoryComposeCommand>) {}

  /** Oldest first. */
  get commands(): ReadonlyArray<RecordedCommand> {
    return [...this.#commands]
  }

  record(command: RecordedCommand): void {
    this.#commands.push(command)
    if (this.#commands.length > capacity) this.#commands.shift()
  }

  add(pattern: ComposeCommandPattern, fault: Fault): void {
    this.#rules.push({ pattern, fault, remaining: pattern.times ?? Number.POSITIVE_INFINITY })
  }

  /** The faults of a command. Each counts as used once. */
  take(run: Pick<ComposeRun, "project" | "args">): ReadonlyArray<Fault> {
    const matching = this.#rules.filter(({ pattern, remaining }) => remaining > 0 && matchesCommand(pattern, run))
    for (const rule of matching) rule.remaining--
    return matching.map(({ fault }) => fault)
  }

  clear(): void {
    this.#rules = []
  }

  /** The script of a command. */
  find(run: Pick<ComposeRun, "project" | "args">): MemoryComposeCommand | undefined {
    return this.scripts.find((script) => matchesCommand(script, run))
  }
}
