import { expect, it } from "vitest"
import { openApiDocument } from "../../../packages/server/src/Http/openApiDocument.js"

// After a change that is meant: npx vitest run test/server/http/openApi.test.ts --update
it("describes the API as the last time", async () => {
  await expect(`${JSON.stringify(openApiDocument(), undefined, 2)}\n`).toMatchFileSnapshot("openapi.json")
})
