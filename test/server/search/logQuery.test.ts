import { describe, expect, it } from "@effect/vitest"
import { logLevels } from "@dockwire/core/LogLevel"
import { Effect, FastCheck as fc } from "effect"
import { LogQuery } from "../../../packages/server/src/search/LogQuery.js"
import { type QueryConditions, queryProblem } from "../../../packages/server/src/search/QueryConditions.js"
import { parseQueryText, printQueryText } from "../../../packages/server/src/search/text/queryText.js"
import { roundsOf } from "../../whole/isWhole.js"

const now = Date.UTC(2026, 0, 31, 12)

/** Texts that people write, and what they mean. */
const texts: ReadonlyArray<readonly [text: string, query: QueryConditions]> = [
  ["", {}],
  ["  connection   refused ", { text: "connection refused" }],
  ["http://example.com/a?b", { text: "http://example.com/a?b" }],
  ["/api/v1/users", { text: "/api/v1/users" }],
  ["error: no - such -- file", { text: "error: no - such -- file" }],
  [String.raw`"say \"a = b\" \\"`, { text: String.raw`say "a = b" \ `.trimEnd() }],
  ['unclosed "quote', { text: 'unclosed "quote' }],
  ["one /two/ three", { text: "one", regex: "two", include: [{ text: "three" }] }],
  [String.raw`/a\/b[/]?/i`, { regex: "(?i)a/b[/]?" }],
  ["/a b/ -/c/i +d -e", { regex: "a b", include: [{ text: "d" }], exclude: [{ regex: "(?i)c" }, { text: "e" }] }],
  ["status>=500", { fields: [{ path: "status", op: ">=", value: "500" }] }],
  ["status==500 x", { text: "x", fields: [{ path: "status", op: "=", value: "500" }] }],
  ['user.name!="a b"', { fields: [{ path: "user.name", op: "!=", value: "a b" }] }],
  [
    "msg~/time ?out/i has:user.id",
    {
      fields: [
        { path: "msg", op: "~", value: "(?i)time ?out" },
        { path: "user.id", op: "exists" }
      ]
    }
  ],
  ["a->b x= =>", { text: "a->b x= =>" }],
  ["level:warn,ERROR stream:stderr", { levels: ["warn", "error"], streams: ["stderr"] }],
  ["level>=warn -level:fatal", { levels: ["warn", "error"] }],
  ["level=error", { levels: ["error"] }],
  [
    'level>="warn" level>=40',
    {
      fields: [
        { path: "level", op: ">=", value: "warn" },
        { path: "level", op: ">=", value: "40" }
      ]
    }
  ],
  ['source:web*,"a, b" case:yes', { sources: ["web*", "a, b"], caseSensitive: true }],
  ["from:2026-01-30 to:2h", { from: "2026-01-30T00:00:00Z", to: "2026-01-31T10:00:00.000Z" }]
]

/** Queries that are refused: as text or as JSON, with the part that the error names. */
const refused: ReadonlyArray<readonly [query: unknown, field: string, value: string, detail: RegExp]> = [
  ["/(a/", "regex", "(a", /missing closing \)/],
  ["/(?=a)b/", "regex", "(?=a)b", /no look-around/],
  [String.raw`/(a)\1/`, "regex", String.raw`(a)\1`, /no back-references/],
  ["/(((a{100}){100}){100}){100}/", "regex", "(((a{100}){100}){100}){100}", /./],
  ["-/[/", "exclude.0.regex", "[", /missing closing \]/],
  ["level:loud", "level", "loud", /trace, debug, info/],
  ["stream:out", "stream", "out", /stdout, stderr/],
  ["from:yesterday", "from", "yesterday", /2h for two hours ago/],
  ["from:2026-02-30", "from", "2026-02-30", /not a time/],
  ["from:1h to:2h", "from", "2026-01-31T11:00:00.000Z", /not before "to", 2026-01-31T10:00:00.000Z/],
  ["case:maybe", "case", "maybe", /case:yes/],
  ["-status=500", "status", "-status=500", /status!=500/],
  ["-source:web", "source", "-source:web", /Leave out the "-"/],
  ["level:info level:error", "levels", "[]", /at least one/],
  ["msg~/+/", "fields.0.value", "+", /missing argument/],
  ["x".repeat(501), "text", "x".repeat(501), /longer than 500/],
  [{ text: "" }, "text", "", /Leave it out/],
  [{ text: "a\nb" }, "text", "a\nb", /line feed/],
  [{ text: 7 }, "text", "7", /Expected string/],
  [{ txt: "a" }, "txt", "a", /is unexpected/],
  [{ levels: ["loud"] }, "levels.0", "loud", /Expected "trace"/],
  [{ levels: [] }, "levels", "[]", /at least one/],
  [{ from: "2026-01-31" }, "from", "2026-01-31", /2026-01-31T12:00:00Z/],
  [{ fields: [{ path: "a..b", op: "=", value: "" }] }, "fields.0.path", "a..b", /user\.id/],
  [{ fields: [{ path: "a", op: ">" }] }, "fields.0.value", "", /needs a value/],
  [{ fields: [{ path: "a", op: "exists", value: "1" }] }, "fields.0.value", "1", /takes no value/],
  [{ fields: [{ path: "a", op: "like", value: "1" }] }, "fields.0.op", "like", /Expected/],
  [null, "query", "null", /Expected/]
]

const letters = fc.constantFrom(...Array.from("ab 1\"\\/-+:=<>~,.'()[]äß日😀{}*?|^$#@_"))
const anyText = fc.array(letters, { minLength: 1, maxLength: 8 }).map((all) => all.join(""))
// A slash means the same with and without a backslash, and is printed with it.
const anyRegex = anyText.filter((regex) => !regex.includes("\\/") && queryProblem({ regex }) === undefined)
const anyTerm = fc.oneof(fc.record({ text: anyText }), fc.record({ regex: anyRegex }))
const path = fc.constantFrom("status", "user.id", "level", "@l", "größe", "a-b/c", "$date", "items.0.x")
const anyField = fc.oneof(
  fc.record({
    path,
    op: fc.constantFrom("=" as const, "!=" as const, ">" as const, ">=" as const, "<" as const, "<=" as const),
    value: fc.oneof(anyText, fc.constantFrom("", "warn", "500"))
  }),
  fc.record({ path, op: fc.constant("~" as const), value: anyRegex }),
  fc.record({ path, op: fc.constant("exists" as const) })
)
const list = <A>(item: fc.Arbitrary<A>) => fc.array(item, { minLength: 1, maxLength: 3 })
const anyQuery = fc.record(
  {
    text: anyText,
    caseSensitive: fc.boolean(),
    regex: anyRegex,
    include: list(anyTerm),
    exclude: list(anyTerm),
    fields: list(anyField),
    levels: fc.uniqueArray(fc.constantFrom(...logLevels), { minLength: 1 }),
    streams: fc.uniqueArray(fc.constantFrom("stdout" as const, "stderr" as const), { minLength: 1 }),
    sources: list(anyText),
    from: fc.constantFrom("2026-01-31T12:00:00Z", "2026-01-31t12:00:00.5+01:00"),
    to: fc.constantFrom("2026-02-01T00:00:00.123456789Z")
  },
  { requiredKeys: [] }
)

describe("LogQuery", () => {
  it("is read from what people write", () => {
    for (const [text, query] of texts) expect(parseQueryText(text, now), text).toEqual({ query })
  })

  it.effect("says which part is wrong and what to do", () =>
    Effect.gen(function* () {
      for (const [query, field, value, detail] of refused) {
        const parsed = typeof query === "string" ? parseQueryText(query, now) : undefined
        const read =
          parsed === undefined
            ? LogQuery.decode(query)
            : "query" in parsed
              ? LogQuery.decode(parsed.query)
              : LogQuery.parse(String(query))
        const error = yield* Effect.flip(read)
        expect(error, JSON.stringify(query)).toMatchObject({ _tag: "InvalidRequest", field, value })
        expect(error.detail).toMatch(detail)
      }
    })
  )

  it("is the same after it was printed and read", () => {
    const rounds = roundsOf({ quick: 200, whole: 20_000 })
    fc.assert(
      fc.property(anyQuery, (query) => {
        const text = printQueryText(query)
        expect(parseQueryText(text, now), text).toEqual({ query })
      }),
      { numRuns: rounds }
    )
  })

  it("is read from any text: as a query, or with a problem that names its place", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.oneof(letters, fc.constantFrom("level:", "from:", "/", '"'))).map((all) => all.join(""))
        ),
        (text) => {
          const parsed = parseQueryText(text, now)
          if ("detail" in parsed) expect(parsed.field).not.toBe("")
        }
      ),
      { numRuns: roundsOf({ quick: 200, whole: 20_000 }) }
    )
  })

  it.effect("decodes to a query that prints itself, and encodes to plain JSON", () =>
    Effect.gen(function* () {
      const query = yield* LogQuery.parse("a level:error")
      expect(String(query)).toBe("a level:error")
      expect(yield* LogQuery.decode(JSON.parse(JSON.stringify(query)))).toEqual(query)
    })
  )
})
