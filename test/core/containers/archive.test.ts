import { Archive, Docker, Exec } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { liveMemory } from "../liveMemory.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"
import { largeTarball, tarball, type TarEntry, tarNames } from "./tarball.js"

const services = Layer.merge(Archive.layer, Exec.layer)
const layerOf = (endpoint: string) => services.pipe(Layer.provideMerge(Docker.layer({ endpoint })))
const bytesOf = <E, R>(tar: Stream.Stream<Uint8Array, E, R>) =>
  Effect.map(Stream.runCollect(tar), (chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)))
const one = (entries: ReadonlyArray<TarEntry>) => Stream.make(Uint8Array.from(tarball(entries)))

describeEngine("the files of a container", () => {
  let container: TestContainer
  let sealed: TestContainer
  const layer = () => layerOf(testEngine().endpoint)
  const run = <A, E>(program: Effect.Effect<A, E, Archive | Exec>) => runWith(layer(), program)
  const fails = <A, E>(program: Effect.Effect<A, E, Archive | Exec>) => failureWith(layer(), program)
  const shell = (script: string) =>
    run(
      Effect.flatMap(Exec, (exec) => Effect.map(exec.run(container.id, ["sh", "-c", script]), ({ stdout }) => stdout))
    )

  beforeAll(async () => {
    const { endpoint } = testEngine()
    container = await startTestContainer({ endpoint, cmd: ["sleep", "1000"] })
    sealed = await startTestContainer({ endpoint, cmd: ["sleep", "1000"], hostConfig: { ReadonlyRootfs: true } })
    await shell(
      [
        "mkdir -p /d/e /w",
        "echo hi > /d/f && chmod 4751 /d/f && echo deep > /d/e/g",
        "ln -s f /d/l && ln -s /nope /d/dangling && ln -s /d /dl",
        "mkfifo /d/p && head -c 3000000 /dev/zero > /large"
      ].join(" && ")
    )
  })
  afterAll(async () => {
    await container?.remove()
    await sealed?.remove()
  })

  it("are described", async () => {
    const stat = (path: string) => run(Effect.flatMap(Archive, (archive) => archive.stat(container.id, path)))
    expect(await stat("/d/f")).toMatchObject({ name: "f", kind: "file", size: 3, mode: 0o4751 })
    expect(await stat("/d")).toMatchObject({ name: "d", kind: "directory", mode: 0o755 })
    expect(await stat("/d/l")).toMatchObject({ name: "l", kind: "symlink", linkTarget: "/d/f" })
    expect(await stat("/d/dangling")).toMatchObject({ kind: "symlink", linkTarget: "/nope" })
    expect(await stat("/d/p")).toMatchObject({ kind: "pipe" })
    expect((await stat("/d/f")).modified).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  it("are written and read as text and bytes", async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256)
    const read = await run(
      Effect.gen(function* () {
        const archive = yield* Archive
        yield* archive.writeFile(container.id, "/w/text", "grüße\n", { mode: 0o600, owner: { uid: 7, gid: 8 } })
        yield* archive.writeFile(container.id, "/w/bytes", bytes)
        yield* archive.writeFile(container.id, "/w/empty", "")
        return {
          text: yield* archive.readFileString(container.id, "/w/text"),
          bytes: yield* archive.readFile(container.id, "/w/bytes"),
          empty: yield* archive.readFile(container.id, "/w/empty"),
          linked: yield* archive.readFileString(container.id, "/d/l"),
          throughFolder: yield* archive.readFileString(container.id, "/dl/e/g")
        }
      })
    )
    expect(read).toMatchObject({ text: "grüße\n", linked: "hi\n", throughFolder: "deep\n" })
    expect(Buffer.from(read.bytes).equals(bytes)).toBe(true)
    expect(read.empty.length).toBe(0)
    expect(await shell("stat -c '%a %u %g %n' /w/text /w/bytes")).toBe("600 7 8 /w/text\n644 0 0 /w/bytes\n")
  })

  it("are read and extracted as a tar archive", async () => {
    const tar = await run(Effect.flatMap(Archive, (archive) => bytesOf(archive.get(container.id, "/d"))))
    expect(tarNames(tar)).toEqual(
      expect.arrayContaining([
        ["d/", 0],
        ["d/f", 3],
        ["d/e/g", 5],
        ["d/l", 0]
      ])
    )
    await run(Effect.flatMap(Archive, (archive) => archive.put(container.id, "/w", Stream.make(Uint8Array.from(tar)))))
    expect(await shell("cat /w/d/e/g /w/d/l && readlink /w/d/dangling")).toBe("deep\nhi\n/nope\n")
    const file = await run(Effect.flatMap(Archive, (archive) => bytesOf(archive.get(container.id, "/d/f"))))
    expect(tarNames(file)).toEqual([["f", 3]])
  })

  it("fail with an error about the request", async () => {
    const failure = (use: (archive: Archive["Type"]) => Effect.Effect<unknown, unknown>) =>
      fails(Effect.flatMap(Archive, use))
    const absent = "dockwire-no-such-container"
    const empty = Stream.make(Uint8Array.from(tarball([])))
    for (const use of [
      (archive: Archive["Type"]) => archive.stat(absent, "/d"),
      (archive: Archive["Type"]) => Stream.runDrain(archive.get(absent, "/d")),
      (archive: Archive["Type"]) => archive.put(absent, "/d", empty),
      (archive: Archive["Type"]) => archive.readFile(absent, "/d"),
      (archive: Archive["Type"]) => archive.writeFile(absent, "/d/x", "")
    ]) {
      expect(await failure(use)).toMatchObject({ _tag: "ContainerNotFound", containerId: absent })
    }
    for (const use of [
      (archive: Archive["Type"]) => archive.stat(container.id, "/no/such"),
      (archive: Archive["Type"]) => Stream.runDrain(archive.get(container.id, "/no/such")),
      (archive: Archive["Type"]) => archive.put(container.id, "/no/such", empty),
      (archive: Archive["Type"]) => archive.readFile(container.id, "/no/such")
    ]) {
      expect(await failure(use)).toMatchObject({
        _tag: "FileNotFound",
        containerId: container.id,
        path: "/no/such"
      })
    }
    const { id } = container
    expect(await failure((archive) => archive.stat(id, "/d/f/x"))).toMatchObject({ _tag: "FileNotFound" })
    expect(await failure((archive) => archive.readFile(id, "/d/dangling"))).toMatchObject({ _tag: "FileNotFound" })
    expect(await failure((archive) => archive.writeFile(id, "/no/such/x", ""))).toMatchObject({ _tag: "FileNotFound" })
    for (const use of [
      (archive: Archive["Type"]) => archive.stat(id, ""),
      (archive: Archive["Type"]) => Stream.runDrain(archive.get(id, "/a\0b")),
      (archive: Archive["Type"]) => archive.put(id, "", empty),
      (archive: Archive["Type"]) => archive.put(id, "/d/f", empty),
      (archive: Archive["Type"]) => archive.put(sealed.id, "/tmp", empty),
      (archive: Archive["Type"]) => archive.put(id, "/d", Stream.make(Buffer.from("garbage".repeat(300)))),
      (archive: Archive["Type"]) =>
        archive.put(id, "/d", Stream.make(tarball([{ name: "a", content: "b" }]).subarray(0, 700))),
      (archive: Archive["Type"]) => archive.readFile(id, "/d"),
      (archive: Archive["Type"]) => archive.readFile(id, "/d/p"),
      (archive: Archive["Type"]) => archive.readFile(id, "/large", { maxBytes: 1_000_000 }),
      (archive: Archive["Type"]) => archive.writeFile(id, "/d/", ""),
      (archive: Archive["Type"]) => archive.writeFile(id, "/d", "")
    ]) {
      expect(await failure(use)).toMatchObject({ _tag: "InvalidRequest" })
    }
  })

  it("are not extracted outside of the target directory", async () => {
    const put = (entries: ReadonlyArray<TarEntry>) =>
      fails(Effect.flatMap(Archive, (archive) => archive.put(container.id, "/w", one(entries))))
    const evil = { content: "evil" }
    const refused: ReadonlyArray<readonly [name: string, entries: ReadonlyArray<TarEntry>]> = [
      ["../out", [{ name: "../out", ...evil }]],
      ["a/../../out", [{ name: "a/../../out", ...evil }]],
      ["/out", [{ name: "/out", ...evil }]],
      [
        "a/x",
        [
          { name: "a", kind: "symlink", linkName: "/etc" },
          { name: "a/x", ...evil }
        ]
      ],
      [
        "a/x",
        [
          { name: "a", kind: "symlink", linkName: "../.." },
          { name: "a/x", ...evil }
        ]
      ],
      [
        "a",
        [
          { name: "a", kind: "symlink", linkName: "/etc/passwd" },
          { name: "a", ...evil }
        ]
      ],
      [
        "c/x",
        [
          { name: "b", kind: "symlink", linkName: ".." },
          { name: "c", kind: "symlink", linkName: "./b" },
          { name: "c/x", ...evil }
        ]
      ],
      ["h", [{ name: "h", kind: "link", linkName: "/etc/passwd" }]],
      ["h", [{ name: "h", kind: "link", linkName: "../../etc/passwd" }]],
      [
        "h",
        [
          { name: "a", kind: "symlink", linkName: "/etc" },
          { name: "h", kind: "link", linkName: "a/passwd" }
        ]
      ],
      [
        "h/x",
        [
          { name: "a", kind: "symlink", linkName: "/etc" },
          { name: "h", kind: "link", linkName: "a" },
          { name: "h/x", ...evil }
        ]
      ],
      [
        "l/x",
        [
          { name: "l", kind: "symlink", linkName: "l" },
          { name: "l/x", ...evil }
        ]
      ]
    ]
    for (const [name, entries] of refused) {
      const error = await put(entries)
      expect([name, error]).toMatchObject([name, { _tag: "InvalidRequest", field: "tar", value: name }])
    }
    // Links may lead anywhere, as long as nothing is extracted through them.
    await run(
      Effect.flatMap(Archive, (archive) =>
        archive.put(
          container.id,
          "/w",
          one([
            { name: "in/", kind: "directory", mode: 0o755 },
            { name: "in/f", content: "fine" },
            { name: "to-in", kind: "symlink", linkName: "in/../in" },
            { name: "to-in/g", content: "fine too" },
            { name: "out", kind: "symlink", linkName: "/etc" },
            { name: "hard", kind: "link", linkName: "in/f" },
            { name: "a..b", content: "..." }
          ])
        )
      )
    )
    expect(await shell("cat /w/in/g /w/hard /w/a..b; test -e /out || echo ' none'")).toBe("fine toofine... none\n")
  })

  it("fail with the failure of the archive", async () => {
    const cut = Stream.concat(Stream.make(tarball([{ name: "a", content: "b" }]).subarray(0, 600)), Stream.fail("mine"))
    expect(await fails(Effect.flatMap(Archive, (archive) => archive.put(container.id, "/w", cut)))).toBe("mine")
  })

  it("are not buffered: 50 MB", async () => {
    const size = 50_000_000
    let given = 0
    let passed = 0
    const base = liveMemory()
    let peak = 0
    const watch = (bytes: Uint8Array) =>
      Effect.sync(() => {
        passed += bytes.length
        if (passed < 15_000_000) return
        passed = 0
        peak = Math.max(peak, liveMemory() - base)
      })
    const tar = Stream.fromIteratorSucceed(largeTarball("fifty", size), 1).pipe(
      Stream.tap((bytes) =>
        Effect.zipRight(
          watch(bytes),
          Effect.sync(() => (given += bytes.length))
        )
      )
    )
    const out = await run(
      Effect.gen(function* () {
        const archive = yield* Archive
        yield* archive.put(container.id, "/w", tar)
        let taken = 0
        yield* Stream.runForEach(archive.get(container.id, "/w/fifty"), (bytes) =>
          Effect.zipRight(
            watch(bytes),
            Effect.sync(() => void (taken += bytes.length))
          )
        )
        return { taken, stat: yield* archive.stat(container.id, "/w/fifty") }
      })
    )
    expect(given).toBeGreaterThan(size)
    expect(out.stat.size).toBe(size)
    expect(out.taken).toBeGreaterThan(size)
    console.log(`50 MB written and read: memory grew by at most ${(peak / 1e6).toFixed(1)} MB`)
    expect(peak).toBeLessThan(25_000_000)
  })

  it("are read no faster than they are pulled", async () => {
    // Only the buffers of two sockets are filled ahead of the reader.
    await run(
      Effect.gen(function* () {
        const archive = yield* Archive
        let given = 0
        const slow = archive.get(container.id, "/w/fifty").pipe(
          Stream.tap((bytes) => Effect.sync(() => void (given += bytes.length))),
          Stream.mapEffect((bytes) => Effect.delay(Effect.succeed(bytes), "100 millis")),
          Stream.take(5)
        )
        yield* Stream.runDrain(slow)
        expect(given).toBeLessThan(2_000_000)
      })
    )
  })

  it("stop at once when interrupted", async () => {
    const { id } = container
    const beginning = Stream.make(tarball([{ name: "a", content: "b" }]).subarray(0, 600))
    const putting = (begun: Effect.Effect<void>) => {
      // More is asked for when the beginning has been read.
      const endless = Stream.concat(beginning, Stream.drain(Stream.fromEffect(Effect.zipRight(begun, Effect.never))))
      return Effect.flatMap(Archive, (archive) => archive.put(id, "/w", endless))
    }
    expect(await interruptionTime(layer(), putting)).toBeLessThan(1_000)
    const getting = (begun: Effect.Effect<void>) =>
      Effect.flatMap(Archive, (archive) =>
        Stream.runDrain(Stream.tap(archive.get(id, "/w/fifty"), () => Effect.zipRight(begun, Effect.never)))
      )
    expect(await interruptionTime(layer(), getting)).toBeLessThan(1_000)
    // The engine can be used again.
    expect(await shell("echo free")).toBe("free\n")
  })
})

describeKillableEngine("the files of a container whose engine dies", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "archive" })
  })
  afterAll(() => engine?.dispose())

  it("fail with Lost while they are transferred, and with Refused after that", async () => {
    const { id } = await startTestContainer({
      endpoint: engine.endpoint,
      cmd: ["sh", "-c", "head -c 50000000 /dev/zero > /large; echo ready; sleep 1000"]
    })
    const layer = layerOf(engine.endpoint)
    const written = Effect.flatMap(Archive, (archive) => archive.stat(id, "/large")).pipe(
      Effect.filterOrFail(({ size }) => size === 50_000_000),
      Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 })
    )
    expect(await runWith(layer, written)).toMatchObject({ size: 50_000_000 })
    const receiving = Effect.runSync(Deferred.make<void>())
    const getting = failureWith(
      layer,
      Effect.flatMap(Archive, (archive) =>
        Stream.runDrain(
          Stream.tap(archive.get(id, "/large"), () =>
            Effect.zipRight(Deferred.succeed(receiving, undefined), Effect.sleep("50 millis"))
          )
        )
      )
    )
    // The engine handles one archive of a container at a time. If this request were second, the other would never end.
    await Effect.runPromise(Deferred.await(receiving))
    const sending = Effect.runSync(Deferred.make<void>())
    const endless = Stream.concat(
      Stream.make(tarball([{ name: "a", content: "b" }]).subarray(0, 600)),
      Stream.execute(Effect.zipRight(Deferred.succeed(sending, undefined), Effect.never))
    )
    const putting = failureWith(
      layer,
      Effect.flatMap(Archive, (archive) => archive.put(id, "/tmp", endless))
    )
    await Effect.runPromise(Deferred.await(sending))
    await engine.kill()
    expect(await getting).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    expect(await putting).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    const stat = Effect.flatMap(Archive, (archive) => archive.stat(id, "/large"))
    expect(await failureWith(layer, stat)).toMatchObject({ _tag: "EngineUnavailable", reason: "Refused" })
  })
})
