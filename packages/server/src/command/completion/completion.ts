/** `dockwire completion`: scripts with which shells complete its commands. They ask the hidden command `__complete`. */
import { completionHelp } from "../help.js"

const bash = `# bash completion for dockwire
_dockwire() {
    local value _ current="\${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        if [[ $value == :directories ]]; then
            local IFS=$'\\n'
            COMPREPLY=($(compgen -d -- "$current"))
            compopt -o filenames 2>/dev/null
            return
        fi
        [[ $value == "$current"* ]] && COMPREPLY+=("$value")
    done < <("$1" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _dockwire dockwire
`

const zsh = `#compdef dockwire
# zsh completion for dockwire
_dockwire() {
    local line
    local -a found values shown
    found=("\${(@f)$("\${words[1]}" __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
    if [[ \${found[1]} == :directories ]]; then
        _directories
        return
    fi
    for line in "\${found[@]}"; do
        [[ -n $line ]] || continue
        values+=("\${line%%$'\\t'*}")
        shown+=("\${line/$'\\t'/  -- }")
    done
    compadd -l -d shown -a values
}
if [[ \${funcstack[1]} == _dockwire ]]; then
    _dockwire "$@"
else
    compdef _dockwire dockwire
fi
`

const fish = `# fish completion for dockwire
function __dockwire_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = :directories
        __fish_complete_directories "$current"
    else
        printf '%s\\n' $found
    end
end
complete -c dockwire -f -a '(__dockwire_complete)'
`

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish }

/** Prints the script for a shell. Returns the exit code. */
export const completion = ([shell = "", ...more]: ReadonlyArray<string>): number => {
  const script = Object.hasOwn(scripts, shell) && more.length === 0 ? scripts[shell] : undefined
  if (script === undefined) {
    process.stderr.write(`Pass a shell: bash, zsh or fish.\n\n${completionHelp}`)
    return 2
  }
  process.stdout.write(script)
  return 0
}
