/** A simple command in a shell script. */
export interface ShellCommand {
  readonly words: ReadonlyArray<string>
  readonly toStderr: boolean
  /** Whether it runs whatever the previous command returned, after `&&`, or after `||`. */
  readonly when: "always" | "success" | "failure"
}

const token = /\s*(?:(;|\n|&&|\|\|)|(1?>&2)(?=\s|;|$)|((?:[^\s;&|<>$`'"\\(){}*?[\]#~]|'[^']*'|"[^"$`\\]*")+))/y

const connectors: Record<string, ShellCommand["when"]> = { "&&": "success", "||": "failure" }

const keyword = /^(if|then|else|fi|for|while|until|do|done|case|esac|function|!|\w+=.*)$/

const removeQuotes = (word: string): string => word.replaceAll(/'[^']*'|"[^"]*"/g, (quoted) => quoted.slice(1, -1))

/**
 * Parses a script of simple commands separated by `;`, newlines, `&&` and `||`, with quotes and `>&2`. At the first construct
 * beyond that, returns the rest of the script as text.
 */
export const parseScript = (script: string): ReadonlyArray<ShellCommand> | string => {
  const commands: Array<ShellCommand> = []
  let words: Array<string> = []
  let toStderr = false
  let when: ShellCommand["when"] = "always"
  const finishCommand = () => {
    if (words.length > 0) commands.push({ words, toStderr, when })
    words = []
    toStderr = false
  }
  token.lastIndex = 0
  for (let at = 0; script.slice(at).trim() !== "";) {
    token.lastIndex = at
    const match = token.exec(script)
    if (match === null) return script.slice(at).trim()
    const [, connector, redirect, word] = match
    if (word !== undefined && words.length === 0 && keyword.test(word)) return script.slice(at).trim()
    if (connector !== undefined) {
      finishCommand()
      when = connectors[connector] ?? "always"
    } else if (redirect !== undefined) toStderr = true
    else if (word !== undefined) words.push(removeQuotes(word))
    at = token.lastIndex
  }
  finishCommand()
  return commands
}
