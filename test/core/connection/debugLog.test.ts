import { expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { command } from "../../packages/command.js"
import { repositoryRoot } from "../../packages/repositoryRoot.js"

const secret = "hunter2-hunter2"

const program = `
import { Docker } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
const [, endpoint, secret] = process.argv
const request = {
  method: "POST",
  path: "/build",
  query: { t: "shown-in-the-log", buildargs: JSON.stringify({ PASSWORD: secret }), version: "9" },
  headers: { "X-Registry-Config": Redacted.make(secret) }
}
const program = Effect.flatMap(Docker, (docker) => Effect.flip(docker.json(request)))
console.log((await Effect.runPromise(Effect.provide(program, Docker.layer({ endpoint })))).detail)
`

describeEngine("the debug log of docker-modem", () => {
  it("shows requests, but no build arguments and no credentials, which the engine gets", async () => {
    const args = ["--input-type=module", "--eval", program, testEngine().endpoint, secret]
    const { code, output } = await command(repositoryRoot, process.execPath, args, { DEBUG: "modem" })
    expect(code, output).toBe(0)
    expect(output).toContain("Sending: ")
    expect(output).toContain("/build?t=shown-in-the-log&buildargs=<redacted>&version=9")
    expect(output).not.toContain("hunter2")
  })
})
