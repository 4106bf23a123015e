/** A control sequence that sets colors and the like, or any other control character. */
// oxlint-disable-next-line no-control-regex
const controls = /\u001b\[[\d;:]*m|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g

const isColor = (control: string): boolean => control.length > 1

const visible = (control: string): string => {
  const code = control.charCodeAt(0)
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`
  return code === 0x7f ? "^?" : `\\x${code.toString(16)}`
}

/**
 * A line that others wrote, for a terminal. Colors and tabs stay. Other control characters could move the cursor, hide lines,
 * rename the window or write to the clipboard: they are shown instead. A `\r` at the end of the line is left out.
 */
export const terminalText = (text: string): string => {
  let hasColor = false
  const shown = text.replace(/\r$/, "").replace(controls, (control) => {
    if (!isColor(control)) return visible(control)
    hasColor = true
    return control
  })
  return hasColor ? `${shown}\u001b[0m` : shown
}

/** As `terminalText`, without colors: for texts that are drawn with others. */
export const plainText = (text: string): string =>
  text.replace(controls, (control) => (isColor(control) ? "" : visible(control)))
