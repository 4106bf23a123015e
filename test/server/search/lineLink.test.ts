import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import { LineLink } from "../../../packages/server/src/search/LineLink.js"

const link = {
  source: "shop/web",
  generation: "3f2a9c",
  timestamp: "2026-01-31T12:00:00.123456789Z",
  stream: "stdout" as const,
  place: 0
}

describe("LineLink", () => {
  it("is the same after it was printed and read, and fits into a URL as it is", () => {
    const odd = fc
      .array(fc.constantFrom("@", "/", "%", "?", "#", "&", "=", " ", "+", "'", "ß", "日", "😀"), { minLength: 1 })
      .map((letters) => letters.join(""))
    const name = fc.oneof(fc.string({ minLength: 1 }), odd)
    fc.assert(
      fc.property(
        name,
        name,
        fc.constantFrom(0, 1, 999_999_999),
        fc.constantFrom("stdout" as const, "stderr" as const),
        (source, generation, place, stream) => {
          const made = new LineLink({ ...link, source, generation, place, stream })
          const text = String(made)
          expect(Effect.runSync(LineLink.parse(text))).toEqual(made)
          expect(new URL(`http://localhost/#${text}`).hash).toBe(`#${text}`)
          expect(new URL(`http://localhost/?line=${text}`).searchParams.get("line")).toBe(decodeURIComponent(text))
        }
      )
    )
    expect(String(new LineLink(link))).toBe("shop/web@3f2a9c@2026-01-31T12:00:00.123456789Z")
    expect(String(new LineLink({ ...link, place: 2 }))).toBe("shop/web@3f2a9c@2026-01-31T12:00:00.123456789Z@2")
    expect(String(new LineLink({ ...link, stream: "stderr" }))).toBe(`${String(new LineLink(link))}@e`)
  })

  it.effect("says what is wrong with a text that is none", () =>
    Effect.gen(function* () {
      const good = String(new LineLink(link))
      const texts = [
        "",
        "a",
        "a@b",
        `${good}@0`,
        `${good}@`,
        `${good}@e0`,
        `${good}@2e`,
        `${good}@-1`,
        `${good}@1@1`,
        `%@${good}`,
        `@${good}`,
        " a",
        good.slice(0, -2),
        good.replace("01-31", "02-30")
      ]
      for (const text of texts) {
        const error = yield* Effect.flip(LineLink.parse(text))
        expect(error, text).toMatchObject({ _tag: "InvalidRequest", field: "link", value: text })
        expect(error.detail).toContain("shop/web@3f2a9c@2026-01-31T12:00:00.123456789Z")
      }
    })
  )
})
