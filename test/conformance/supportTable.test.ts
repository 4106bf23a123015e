import { expect, it } from "vitest"
import { readTable } from "./readmeTable.js"
import { table } from "./table.js"

it("the README's table names every method of the table", async () => {
  const lines = (await readTable()).split("\n")
  for (const [service, { rows }] of Object.entries(table)) {
    const line = lines.find((line) => line.startsWith(`| \`${service}\`: `)) ?? ""
    const named = line.split("|")[1]?.trim().replace(`\`${service}\`: `, "").split(", ").sort()
    expect(named, `${service}: run npm run conformance -- --write`).toEqual(Object.keys(rows).sort())
  }
})
