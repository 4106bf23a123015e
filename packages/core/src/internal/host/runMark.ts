import * as FiberRef from "effect/FiberRef"

/** The id of the run that this code is part of. */
export const currentRun: FiberRef.FiberRef<string | undefined> = FiberRef.unsafeMake<string | undefined>(undefined)

/**
 * The variable that marks the programs of a run, so that they can be found when the process that started them is gone. No
 * compose file can refer to it by `${...}`: that takes letters, digits and underscores only.
 */
const runVariable = "dockwire.log-id"

/** The mark of the run, as a part of a program's environment. */
export const runMark = (run: string | undefined): Readonly<Record<string, string>> =>
  run === undefined ? {} : { [runVariable]: run }
