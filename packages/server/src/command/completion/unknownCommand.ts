import { didYouMean } from "../remote/nearNames.js"
import { commandTable } from "./commandTable.js"

/** Says that there is no such command. Returns the exit code. */
export const unknownCommand = (command: string): number => {
  const what = command.startsWith("-") ? "an option" : "a command"
  process.stderr.write(
    `${JSON.stringify(command)} is not ${what} of dockwire.${didYouMean(command, commandTable.keys())}\nRun "dockwire --help" for usage.\n`
  )
  return 2
}
