/** A text, and the problem that is found in it: its code, line and column. */
export interface InvalidText {
  readonly text: string
  readonly code: string
  readonly line: number
  readonly column: number
}

const web = "services: {web: {image: x}}\n"

/** Compose files without a problem. Compose accepts them too. */
export const validTexts: Readonly<Record<string, string>> = {
  "a service": web,
  "a document marker": `---\n${web}`,
  "two documents": `${web}---\nvolumes: {a: {}}\n`,
  "a second document that is empty": `${web}---\n{}\n`,
  "carriage returns": "services:\r\n  web:\r\n    image: x\r\n",
  "a byte order mark": `\uFEFF${web}`,
  "a version directive": `%YAML 1.1\n---\n${web}`,
  "a list that is closed at the indentation of its key":
    "services:\n  web:\n    image: x\n    command: [\n      a\n    ]\n",
  "a tab behind a key": "services:\n  web:\n    image:\tx\n",
  "reset and override":
    "services:\n  web:\n    image: x\n    ports: !reset []\n    environment: !override\n      A: b\n",
  "another tag": "services: {web: {image: !foo x}}\n",
  "merged values": "x-a: &a {labels: {a: b}}\nservices:\n  web:\n    <<: *a\n    image: x\n",
  "an anchor that is defined twice": `x-a: &a 1\nx-b: &a 2\n${web}`,
  "an alias that is used often": `x-a: &a {driver: local}\n${web}x-b: [${Array.from({ length: 150 }, () => "*a").join()}]\n`,
  "a long key": `x-a:\n  ? ${"k".repeat(2000)}\n  : 1\n${web}`,
  "a variable that is required": "services: {web: {image: '${X:?no}'}}\n",
  "other letters": "services: {web: {image: x, labels: {ключ: 'schön 🐳'}}}\n"
}

/** Compose files with a problem. Compose rejects them too. */
export const invalidTexts: Readonly<Record<string, InvalidText>> = {
  nothing: { text: "", code: "EMPTY", line: 1, column: 1 },
  "comments only": { text: "# a\n\n# b\n", code: "EMPTY", line: 1, column: 1 },
  "an empty mapping": { text: "{}\n", code: "EMPTY", line: 1, column: 1 },
  null: { text: "# a\nnull\n", code: "NOT_A_MAPPING", line: 2, column: 1 },
  "a list": { text: "- a\n", code: "NOT_A_MAPPING", line: 1, column: 1 },
  "a sentence": { text: "Not Found\n", code: "NOT_A_MAPPING", line: 1, column: 1 },
  "a web page": { text: "<!doctype html>\n<html></html>\n", code: "NOT_A_MAPPING", line: 1, column: 1 },
  "a second document that is a list": { text: `${web}---\n- a\n`, code: "NOT_A_MAPPING", line: 3, column: 1 },
  "a second document without content": { text: `${web}---\n`, code: "NOT_A_MAPPING", line: 2, column: 4 },
  "a key that occurs twice": {
    text: "services:\n  web:\n    image: x\n    image: y\n",
    code: "DUPLICATE_KEY",
    line: 4,
    column: 5
  },
  "a key that occurs twice, once quoted": {
    text: 'services: {web: {image: x, "image": y}}\n',
    code: "DUPLICATE_KEY",
    line: 1,
    column: 28
  },
  "a top-level key that occurs twice": {
    text: `${web}volumes: {}\nservices: {}\n`,
    code: "DUPLICATE_KEY",
    line: 3,
    column: 1
  },
  "two merge keys": {
    text: "x-a: &a {}\nservices:\n  web:\n    <<: *a\n    <<: *a\n",
    code: "DUPLICATE_KEY",
    line: 5,
    column: 5
  },
  "a list as a key": { text: `${web}? [a]\n: b\n`, code: "NON_STRING_KEY", line: 2, column: 3 },
  "an unknown alias": { text: "services: {web: {image: *x}}\n", code: "BAD_ALIAS", line: 1, column: 25 },
  "an alias before its anchor": { text: "x-a: *b\nx-b: &b 1\n", code: "BAD_ALIAS", line: 1, column: 6 },
  "an alias cycle": {
    text: "services:\n  web: &w\n    image: x\n    x-a: *w\n",
    code: "ALIAS_CYCLE",
    line: 4,
    column: 10
  },
  "a control character": {
    text: 'services:\n  web: {image: "x\u0001"}\n',
    code: "CONTROL_CHARACTER",
    line: 2,
    column: 18
  },
  "a tab as indentation": { text: "services:\n\tweb:\n", code: "TAB_AS_INDENT", line: 2, column: 1 },
  "a key with less indentation": {
    text: "services:\n  web:\n    image: x\n   command: y\n",
    code: "BAD_INDENT",
    line: 4,
    column: 1
  },
  "a key without a colon": {
    text: "services:\n  web:\n    image: x\n    command\n",
    code: "MISSING_CHAR",
    line: 4,
    column: 5
  },
  "a quote that is not closed": { text: 'services:\n  web: {image: "x}\n', code: "MISSING_CHAR", line: 3, column: 1 },
  "a brace too many": { text: "services: {web: {image: x}}}\n", code: "UNEXPECTED_TOKEN", line: 1, column: 28 },
  "a value that begins with @": {
    text: "services: {web: {image: @x}}\n",
    code: "BAD_SCALAR_START",
    line: 1,
    column: 25
  },
  "a colon in a value": { text: "services: {web: {image: a: b}}\n", code: "BLOCK_IN_FLOW", line: 1, column: 25 }
}

const levels = "abcdefgh"

/** Expands to a hundred million values. */
export const billionLaughs = `${Array.from(levels)
  .map((name, index) => {
    const item = index === 0 ? "lol" : `*${levels[index - 1]}`
    return `x-${name}: &${name} [${Array.from({ length: 10 }, () => item).join()}]\n`
  })
  .join("")}${web}`

/** Texts of up to 1 MiB that take a parser much time or stack. Each with the code of its problem. */
export const hostileTexts: Readonly<Record<string, readonly [text: string, code: string]>> = {
  "a billion laughs": [billionLaughs, "RESOURCE_EXHAUSTION"],
  "deep lists": [`a: ${"[".repeat(300)}${"]".repeat(300)}\n`, "RESOURCE_EXHAUSTION"],
  "the deepest lists": [`a: ${"[".repeat(2000)}${"]".repeat(2000)}\n`, "RESOURCE_EXHAUSTION"],
  "lists without an end": ["[".repeat(2 ** 20), "TOO_COMPLEX"],
  "many keys": [Array.from({ length: 130_000 }, (_, index) => `k${index}:\n`).join(""), "TOO_COMPLEX"],
  "many comments": ["#\n".repeat(2 ** 19), "TOO_COMPLEX"],
  "a string without an end": [`a: "${"x\n".repeat(2 ** 19)}`, "MISSING_CHAR"]
}
