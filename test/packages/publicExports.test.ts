import { describe, expect, it } from "vitest"
import { publicExports } from "./publicExports.js"

const all = await publicExports()

describe("what the packages export", () => {
  it("has a name of its own: one name never means two things", () => {
    const places = new Map<string, Set<string>>()
    for (const { declarations, name } of all)
      for (const { file, name: declared } of declarations)
        places.set(name, (places.get(name) ?? new Set<string>()).add(`${file}: ${declared}`))
    const shared = [...places].filter(([, found]) => found.size > 1).map(([name, found]) => [name, ...found])
    expect(shared).toEqual([])
  })
})
