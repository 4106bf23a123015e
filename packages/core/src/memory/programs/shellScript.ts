/** A command of a script, and whether it runs after the one before it. */
export interface ShellCommand {
  readonly words: ReadonlyArray<string>
  readonly toStderr: boolean
  readonly when: "always" | "success" | "failure"
}

const token = /\s*(?:(;|\n|&&|\|\|)|(1?>&2)(?=\s|;|$)|((?:[^\s;&|<>$`'"\\(){}*?[\]#~]|'[^']*'|"[^"$`\\]*")+))/y

const connectors: Record<string, ShellCommand["when"]> = { "&&": "success", "||": "failure" }

const keyword = /^(if|then|else|fi|for|while|until|do|done|case|esac|function|!|\w+=.*)$/

const unquoted = (word: string): string => word.replaceAll(/'[^']*'|"[^"]*"/g, (quoted) => quoted.slice(1, -1))

/**
 * Reads a script of simple commands between `;`, newlines, `&&` and `||`, with quotes and `>&2`. What the script has beyond
 * that is given back as the text that was not understood.
 */
export const parseScript = (script: string): ReadonlyArray<ShellCommand> | string => {
  const commands: Array<ShellCommand> = []
  let words: Array<string> = []
  let toStderr = false
  let when: ShellCommand["when"] = "always"
  const finish = () => {
    if (words.length > 0) commands.push({ words, toStderr, when })
    words = []
    toStderr = false
  }
  token.lastIndex = 0
  for (let at = 0; script.slice(at).trim() !== "";) {
    token.lastIndex = at
    const found = token.exec(script)
    if (found === null) return script.slice(at).trim()
    const [, connector, redirect, word] = found
    if (word !== undefined && words.length === 0 && keyword.test(word)) return script.slice(at).trim()
    if (connector !== undefined) {
      finish()
      when = connectors[connector] ?? "always"
    } else if (redirect !== undefined) toStderr = true
    else if (word !== undefined) words.push(unquoted(word))
    at = token.lastIndex
  }
  finish()
  return commands
}
