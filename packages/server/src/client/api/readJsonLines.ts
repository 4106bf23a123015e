/**
 * Reads JSON values, one per line, as they come: all that a piece of the body completes at once. Ending the iteration cancels
 * the request.
 */
export async function* readJsonLines<Element>(
  body: ReadableStream<Uint8Array>,
  isElement: (value: unknown) => value is Element
): AsyncGenerator<ReadonlyArray<Element>, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ""
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n")
      rest = done ? "" : (lines.pop() ?? "")
      const elements: Array<Element> = []
      for (const line of lines) {
        if (line === "") continue
        const element: unknown = JSON.parse(line)
        if (isElement(element)) elements.push(element)
      }
      if (elements.length > 0) yield elements
      if (done) return
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
