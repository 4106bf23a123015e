import { RegistryAuth, RegistryError } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { access, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { identityOf } from "../../engine/processIdentity.js"
import { eventually } from "../eventually.js"
import { failureWith, runWith } from "../runWith.js"
import { configuredAuth, find, revealed } from "./findCredentials.js"
import { type ConfigurationFolder, makeConfigurationFolder } from "./recordingEngine.js"

let folder: ConfigurationFolder
beforeAll(async () => {
  folder = await makeConfigurationFolder()
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await folder?.remove()
})
beforeEach(async () => {
  await folder.takeCalls()
  await rm(pids(), { force: true })
})

const registry = "r.test:5000"
const pids = () => join(folder.path, "pids")
const layer = (options?: Parameters<typeof configuredAuth>[1]) =>
  configuredAuth({ DOCKER_CONFIG: folder.path }, options)

/** Prints its process ids to a file, a child's too, and waits. */
const hang = (trap = "") =>
  `${trap} sleep 1000 & echo $$ $! > '${pids()}.new'; mv '${pids()}.new' '${pids()}'; wait; wait`
const running = async () => (await readFile(pids(), "utf8")).trim().split(" ").map(Number)
const gone = [undefined, undefined]

const exists = (name: string) =>
  access(join(folder.path, name)).then(
    () => true,
    () => false
  )

const helperNamed = (name: string) => ({ auths: { [registry]: { auth: "dTpw" } }, credsStore: name })

describe("a credential helper that cannot be used", () => {
  it.each<readonly [string, string | undefined, RegExp]>([
    ["is missing", undefined, /^docker-credential-x is not in PATH\. Install it, or remove it from the configuration$/],
    [
      "fails and says why",
      "echo 'gpg: decryption failed'; echo more; echo trace >&2; exit 3",
      /^docker-credential-x exited with code 3: gpg: decryption failed\. Run "docker-credential-x get", with "r\.test:5000" as its input, to see all that it says$/
    ],
    ["fails and says nothing", "echo trace >&2; exit 1", /^docker-credential-x exited with code 1\. Run/],
    ["fails after it printed JSON", `echo '{"Username":"u","Secret":"p"}'; exit 1`, /exited with code 1\. Run/],
    ["is killed", "kill -9 $$", /^docker-credential-x was killed by SIGKILL$/],
    ["prints nothing", "", /exited with code 0, but printed no credentials as JSON$/],
    ["prints what is not JSON", "echo hello", /printed no credentials as JSON$/],
    ["prints JSON that is cut short", `echo '{"Username":"u","Secret":"p'`, /printed no credentials as JSON$/],
    ["prints an array", "echo '[]'", /printed no credentials as JSON$/],
    ["prints a user that is no string", `echo '{"Username":7,"Secret":"p"}'`, /printed no credentials as JSON$/],
    [
      "says that it has nothing, but succeeds",
      "echo 'credentials not found in native keychain'",
      /printed no credentials as JSON$/
    ]
  ])("is an error if it %s", async (_, script, detail) => {
    const name = script === undefined ? "missing" : "x"
    if (script !== undefined) await folder.helper("x", script)
    await folder.write(helperNamed(name))
    const error = await failureWith(layer(), find(registry))
    expect(error).toBeInstanceOf(RegistryError)
    expect(error).toMatchObject({
      registry,
      reason: "CredentialsUnavailable",
      credentials: `docker-credential-${name} (credsStore in ${folder.file})`
    })
    expect(error.detail.replace("credential-missing", "credential-x")).toMatch(detail)
    expect(error.message).toContain("cannot be read. Fix or remove that configuration.")
  })

  it.each(["../x", "/bin/x", "x/../y", "..", ".x", "-x", "x y", "x\n", "x;y", "x\\y", "x\0"])(
    "is not started if its name is not one: %j",
    async (name) => {
      await folder.helper("x", "echo '{}'")
      for (const field of ["credsStore", "credHelpers"] as const) {
        await folder.write(field === "credsStore" ? { credsStore: name } : { credHelpers: { [registry]: name } })
        expect(await failureWith(layer(), find(registry))).toMatchObject({
          reason: "CredentialsUnavailable",
          credentials: folder.file,
          detail: `the name of the helper in "${field}", ${JSON.stringify(name)}, is not valid`
        })
      }
      expect(await folder.takeCalls()).toEqual([])
    }
  )

  it.each([
    ["ends when it is told to", ""],
    ["must be killed", "trap '' TERM;"]
  ])(
    "is stopped at its deadline, with its child: %s",
    async (_, trap) => {
      await folder.helper("x", hang(trap))
      await folder.write(helperNamed("x"))
      // Time enough for the shell to start on a machine that has much to do.
      const error = await failureWith(layer({ helperTimeout: "3 seconds" }), find(registry))
      expect(error).toMatchObject({
        reason: "CredentialsUnavailable",
        detail:
          'docker-credential-x did not answer within 3s and was stopped. Run "docker-credential-x get", with "r.test:5000" as its input, to see what it waits for'
      })
      expect((await running()).map(identityOf)).toEqual(gone)
    },
    60_000
  )

  it("is stopped when the call is interrupted", async () => {
    await folder.helper("x", hang())
    await folder.write(helperNamed("x"))
    const program = Effect.gen(function* () {
      const fiber = yield* Effect.fork(find(registry))
      yield* Effect.promise(() => eventually(() => exists("pids")).toBe(true))
      yield* Fiber.interrupt(fiber)
    })
    await runWith(layer(), program)
    expect((await running()).map(identityOf)).toEqual(gone)
  })
})

describe("concurrent calls", () => {
  /** A helper that waits for a file, and fails if another one runs at the same time. */
  const exclusive = (key: string) =>
    [
      `mkdir "${folder.path}/lock-${key}" || exit 9`,
      `while [ ! -e "${folder.path}/go" ]; do sleep 0.02; done`,
      `rmdir "${folder.path}/lock-${key}"`,
      `echo '{"Username":"u","Secret":"p"}'`
    ].join("\n")
  beforeEach(() => rm(join(folder.path, "go"), { force: true }))

  it("share one run of the helper for a registry, and run it anew afterwards", async () => {
    await folder.helper("x", exclusive('"${registry%:*}"'))
    await folder.write({ credsStore: "x" })
    const program = Effect.gen(function* () {
      const auth = yield* RegistryAuth
      const registries = [...Array.from({ length: 20 }, () => registry), "other.test:1"]
      const fibers = yield* Effect.forEach(registries, (name) => Effect.fork(auth.find(name)))
      const impatient = yield* Effect.fork(auth.find(registry))
      yield* Effect.promise(async () => {
        for (const name of ["lock-r.test", "lock-other.test"]) await eventually(() => exists(name)).toBe(true)
      })
      // The others get their credentials nevertheless.
      yield* Fiber.interrupt(impatient)
      yield* Effect.promise(() => writeFile(join(folder.path, "go"), ""))
      const found = yield* Fiber.join(Fiber.all(fibers))
      const calls = yield* Effect.promise(() => folder.takeCalls())
      yield* auth.find(registry)
      return { found: found.map(revealed), calls, later: yield* Effect.promise(() => folder.takeCalls()) }
    })
    const { calls, found, later } = await runWith(layer(), program)
    expect(found).toEqual(Array.from({ length: 21 }, () => ({ username: "u", password: "p" })))
    expect(calls.toSorted()).toEqual(["x get other.test:1", `x get ${registry}`])
    expect(later).toEqual([`x get ${registry}`])
  })
})
