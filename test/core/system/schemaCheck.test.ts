import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { schemaCheck } from "../../../packages/core/src/internal/api/schemaCheck.js"

const Item = Schema.Struct({
  Id: Schema.String,
  Size: Schema.optional(Schema.Number),
  State: Schema.Literal("created", "running", 3, null),
  Labels: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.String }))),
  Any: Schema.Unknown,
  Parts: Schema.Array(Schema.Struct({ On: Schema.Boolean }))
})
const item = { Id: "a", State: "running", Any: 1, Parts: [{ On: true }] }

describe("a predicate compiled from a schema", () => {
  const values: ReadonlyArray<unknown> = [
    item,
    { ...item, Size: 1, Labels: { a: "b" }, More: [1] },
    { ...item, Size: undefined, Labels: null, State: null, Parts: [] },
    { ...item, State: 3, Labels: {} },
    { ...item, Id: 1 },
    { ...item, Size: "1" },
    { ...item, State: "paused" },
    { ...item, Labels: { a: 1 } },
    { ...item, Labels: ["a"] },
    { ...item, Parts: {} },
    { ...item, Parts: [{ On: true }, {}] },
    { ...item, Parts: [undefined] },
    { Id: "a", State: "running", Parts: [] },
    {},
    [],
    [item],
    null,
    undefined,
    "a",
    () => item
  ]

  it("agrees with decoding", () => {
    const compare = <A>(schema: Schema.Schema<A>) => {
      const check = schemaCheck(schema)
      expect(check).toBeDefined()
      for (const value of values) expect(check?.(value), JSON.stringify(value)).toBe(Schema.is(schema)(value))
    }
    compare(Item)
    compare(Schema.Array(Item))
    compare(Schema.NullOr(Item))
  })

  it("rejects arrays with holes, and does not exist if decoding changes values", () => {
    const holes = [true]
    holes.length = 3
    expect(schemaCheck(Schema.Array(Schema.Boolean))?.(holes)).toBe(false)
    expect(schemaCheck(Schema.parseJson(Item))).toBeUndefined()
    expect(schemaCheck(Schema.Struct({ a: Schema.optionalWith(Schema.String, { default: () => "" }) }))).toBeUndefined()
    expect(schemaCheck(Schema.Array(Schema.NonEmptyString))).toBeUndefined()
  })
})
