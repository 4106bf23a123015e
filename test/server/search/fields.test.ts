import { execFile } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { LogMatcher } from "../../../packages/server/src/search/LogMatcher.js"
import { parseQueryText } from "../../../packages/server/src/search/text/queryText.js"
import { libraryFolders, obtainPackages } from "../../engine/debianPackages.js"
import { isWhole } from "../../whole/isWhole.js"

const json = [
  '{"status":500,"user":{"id":7},"msg":"time out","took":"1.5s","ok":false}',
  '{"status":"503","user.id":"7","tags":["a","b"],"took":"20ms","path":"/a b"}',
  '{"status":200,"user":{"id":9223372036854775807},"items":[{"name":"x"},{"name":"y"}]}',
  '{"status":null,"msg":"status=500","note":"9223372036854775807, {\\"status\\":500}"}'
]
const others = [
  'level=info status=500 user.id=7 msg="time out, status=200" took=1.5s',
  "\u001b[36mstatus=\u001b[0m404, user.id=8 size=2MiB",
  'app | {"status":502,"user":{"id":8},"at":"2026-01-31T12:00:00Z"}',
  "status 500 in a sentence",
  'half a "quote status=501',
  '{"status":500'
]
const lines = [...json, ...others]

/** Conditions, the numbers of the lines that fulfil them, and for jq what they mean on the JSON lines. */
const conditions: ReadonlyArray<readonly [text: string, matches: ReadonlyArray<number>, jq?: string]> = [
  ["status>=500", [1, 2, 5, 7, 9], ".status != null and (.status | tonumber) >= 500"],
  ["status=500", [1, 5], ".status == 500"],
  ["status=500.0", [1, 5], ".status == 500"],
  ["status!=500", [2, 3, 4, 6, 7, 9], ".status != 500"],
  ["status<300", [3], ".status != null and (.status | tonumber) < 300"],
  ["has:status", [1, 2, 3, 4, 5, 6, 7, 9], 'has("status")'],
  ["status=null", [4], ".status == null"],
  ["ok=false", [1], ".ok == false"],
  ["user.id=7", [1, 2, 5], '(.user.id // .["user.id"] | tostring) == "7"'],
  ["user.id=9223372036854775807", [3]],
  ["user.id=9223372036854775806", []],
  ["user.id>9223372036854775806", [3]],
  ["tags=b", [2], '(.tags // [] | index("b")) != null'],
  ["tags!=b", [], 'has("tags") and (.tags | index("b")) == null'],
  ["tags.1=b", [2], '(.tags // [])[1] == "b"'],
  ["items.name=y", [3], 'any(.items // [] | .[]; .name == "y")'],
  ["items.0.name=y", [], '(.items // [])[0].name == "y"'],
  ["has:user.name", [], '.user | type == "object" and has("name")'],
  ["msg~/time ?OUT/i", [1, 5], '(.msg // "") | test("time ?OUT"; "i")'],
  ["msg~^status", [4], '(.msg // "") | test("^status")'],
  ['path="/a b"', [2], '.path == "/a b"'],
  ["took>1s", [1, 5]],
  ["took<=20ms", [2]],
  ["took>1", []],
  ["size>1MB", [6]],
  ["at>2026-01-30", [7]],
  ["status>=500 user.id=7 -app", [1, 2, 5]]
]

const matching = (text: string): ReadonlyArray<number> => {
  const parsed = parseQueryText(text, 0)
  if ("detail" in parsed) throw new Error(parsed.detail)
  const { literals, matchesText } = LogMatcher.make(parsed.query)
  const found = lines.flatMap((line, index) => (matchesText(line) ? [index + 1] : []))
  for (const number of found) {
    const line = lines[number - 1] ?? ""
    expect(literals.length === 0 || literals.some((literal) => line.includes(literal)), `${text}: ${line}`).toBe(true)
  }
  return found
}

const packages = {
  what: "jq",
  size: "1 MB",
  packages: ["jq/bookworm", "libjq1/bookworm", "libonig5/bookworm"],
  layout: 1
}

/** The numbers of the JSON lines for which a program of jq, in an unpacked folder, is true. */
const jq = async (root: string, program: string): Promise<ReadonlyArray<number>> => {
  const env = { LD_LIBRARY_PATH: (await libraryFolders(root)).join(":") }
  return new Promise((resolve, reject) => {
    const child = execFile(join(root, "usr/bin/jq"), ["-c", program], { env }, (error, stdout) => {
      if (error !== null) reject(error)
      else
        resolve(
          stdout
            .trim()
            .split("\n")
            .flatMap((answer, index) => (answer === "true" ? [index + 1] : []))
        )
    })
    child.stdin?.end(json.join("\n"))
  })
}

describe("conditions on fields", () => {
  it("hold for JSON and logfmt lines as people expect", () => {
    for (const [text, matches] of conditions) expect(matching(text), text).toEqual(matches)
  })

  const itWhole = isWhole ? it : () => {}
  itWhole("hold for the JSON lines that jq selects", async () => {
    const root = await obtainPackages(packages, () => {})
    for (const [text, , program] of conditions) {
      if (program === undefined) continue
      expect(
        matching(text).filter((number) => number <= json.length),
        text
      ).toEqual(await jq(root, program))
    }
  })
})

describe("a long line", () => {
  const length = 2 ** 17
  const hostile: ReadonlyArray<readonly [query: string, line: string]> = [
    ["/(a+)+$/", "a".repeat(2 ** 20)],
    ["/(a+)+$/", `${"a".repeat(2 ** 20)}!`],
    ["/(a|aa)+$/", `${"a".repeat(length)}!`],
    ["/(.*)(.*)(.*)[0-9]/", "a".repeat(length)],
    ["/[a-z]+[0-9]/", "a".repeat(length)],
    ["/(?:x?){40}x{40}!?[yz]/", "x".repeat(length)],
    ["/a.{0,200}b[0-9]/i", "ab".repeat(length / 2)],
    ["/a.*b|a/", "a".repeat(length)],
    ["/\\w+@\\w+\\.com/", "a@".repeat(length / 2)],
    ["status>=500", `"status" ${'"'.repeat(length)}status=`],
    ["status>=500", `status= ${'\\"'.repeat(length / 2)}`],
    ["status>=500", '{"status":'.repeat(length / 10)],
    ["status>=500", "status=".repeat(length / 7)],
    ["status>=500", `{"status":"${"1".repeat(length)}"}`],
    ["a.b.c.d.e=1", '{"a":'.repeat(length / 5)],
    ["status~/(1+)+$/", `status=${"1".repeat(length)}!`]
  ]

  it("takes time linear in its length, whatever the expression", () => {
    for (const [text, line] of hostile) {
      const parsed = parseQueryText(text, 0)
      if ("detail" in parsed) throw new Error(parsed.detail)
      const { hits, matchesText } = LogMatcher.make(parsed.query)
      const start = process.cpuUsage()
      matchesText(line)
      hits(line)
      const { user } = process.cpuUsage(start)
      expect(user / 1e6, text).toBeLessThan(3)
    }
  })
})
