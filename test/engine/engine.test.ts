import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { startCuttingProxy } from "./cuttingProxy.js"
import { itDockerCli } from "./itDockerCli.js"
import { mountsOf, processesOf } from "./dockerDaemon.js"
import { daemonFolder } from "./engineFolders.js"
import { answersPing, connectionOf, engineCall, engineRequest, jsonAt } from "./engineRequest.js"
import { startKillableEngine, sweepKillableEngines, type KillableEngine } from "./killableEngine.js"
import { identityOf, pidSpace } from "./processIdentity.js"
import { reachableEndpoint } from "./reachableEndpoint.js"
import { describeEngine, describeKillableEngine, testEngine } from "./realEngine.js"
import { sweepDeadRuns, sweepRun } from "./sweep.js"
import { createTestContainer, startTestContainer, uniqueName } from "./testContainer.js"
import { registryUnavailable, startTestRegistry } from "./testRegistry.js"
import { isDeadRun, newTestRunId, runOf, testLabel, testProjectName, testRunId } from "./testRun.js"

const run = promisify(execFile)

describe("a test run's id", () => {
  it("is alive as long as its process", () => {
    expect(isDeadRun(newTestRunId(), 0)).toBe(false)
    expect(isDeadRun(`${pidSpace()}-${process.pid}-1`, Date.now())).toBe(true)
    expect(isDeadRun(`${pidSpace()}-4194305-1`, Date.now())).toBe(true)
  })

  it("from another machine expires by the age of what it created", () => {
    expect(isDeadRun("ffffff-1-1", Date.now())).toBe(false)
    expect(isDeadRun("ffffff-1-1", Date.now() - 7 * 60 * 60 * 1000)).toBe(true)
  })

  it("is read from labels, including those of compose", () => {
    expect(runOf({ [testLabel]: testRunId() })).toBe(testRunId())
    expect(runOf({ "com.docker.compose.project": testProjectName("Web") })).toBe(testRunId())
    expect(runOf({ "com.docker.compose.project": "shop" })).toBeUndefined()
  })
})

describe("an endpoint", () => {
  it("is parsed to a socket or a host and port", () => {
    expect(connectionOf("unix:///run/a.sock")).toEqual({ socketPath: "/run/a.sock" })
    expect(connectionOf("/run/a.sock")).toEqual({ socketPath: "/run/a.sock" })
    expect(connectionOf("tcp://127.0.0.1:2376")).toEqual({ host: "127.0.0.1", port: 2376 })
    expect(() => connectionOf("ssh://host")).toThrow("ssh://host")
  })
})

describeEngine("the engine of the tests", () => {
  it("answers with the announced version", async () => {
    const { endpoint, version } = testEngine()
    expect(await answersPing(endpoint)).toBe(true)
    expect(jsonAt((await engineCall(endpoint, "GET", "/version")).json, "Version")).toBe(version)
  })

  it("runs busybox", async () => {
    const container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["echo", "hello"] })
    onTestFinished(container.remove)
    expect(await container.wait()).toBe(0)
    expect(await container.output()).toBe("hello\n")
    expect(jsonAt(await container.inspect(), "Config", "Labels", testLabel)).toBe(testRunId())
  })

  it("supports a TTY and a log driver", async () => {
    const container = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", "test -t 1 && echo terminal"],
      tty: true,
      logConfig: { Type: "local" }
    })
    onTestFinished(container.remove)
    await container.wait()
    expect(await container.output()).toBe("terminal\r\n")
    expect(jsonAt(await container.inspect(), "HostConfig", "LogConfig", "Type")).toBe("local")
  })

  it("publishes ports on this machine", async () => {
    const container = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", "echo reached > /tmp/index.html; exec httpd -f -p 80 -h /tmp"],
      config: { ExposedPorts: { "80/tcp": {} } },
      hostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
    })
    onTestFinished(container.remove)
    const port = jsonAt(await container.inspect(), "NetworkSettings", "Ports", "80/tcp", 0, "HostPort")
    await expect
      .poll(() => fetch(`http://127.0.0.1:${String(port)}/`).then((answer) => answer.text(), String))
      .toBe("reached\n")
  })

  it("is reachable by compose", async ({ skip }) => {
    const { composeCommand, composeVersion, endpoint } = testEngine()
    if (composeCommand === undefined) return skip("no compose here")
    const [program = "", ...rest] = composeCommand
    const environment = { ...process.env, DOCKER_HOST: endpoint }
    const version = await run(program, [...rest, "version", "--short"], { env: environment })
    expect(version.stdout.trim()).toContain(composeVersion)
    const list = await run(program, [...rest, "ls", "--format", "json"], { env: environment })
    expect(Array.isArray(JSON.parse(list.stdout))).toBe(true)
  })

  it("is swept of everything that a run created, and nothing else", async () => {
    const { endpoint } = testEngine()
    // A run that is over: this process's pid with another start time.
    const dead = `${pidSpace()}-${process.pid}-1`
    const name = uniqueName("sweep")
    const labels = { [testLabel]: dead }
    const create = (path: string, body: unknown) => engineCall(endpoint, "POST", path, body)
    const kept = await createTestContainer({ endpoint, cmd: ["true"] })
    onTestFinished(kept.remove)
    await create("/volumes/create", { Name: name, Labels: labels })
    await create("/networks/create", { Name: name, Labels: labels })
    await create(`/containers/create?name=${name}`, {
      Image: "busybox:latest",
      Cmd: ["sleep", "600"],
      Labels: labels,
      HostConfig: { Binds: [`${name}:/data`], NetworkMode: name }
    })
    await create(`/containers/${name}/start`, undefined)
    expect(await sweepRun(endpoint, newTestRunId())).toEqual({ containers: 0, networks: 0, volumes: 0, images: 0 })
    // Another live run on this engine may sweep dead runs at the same moment: what counts is that they are gone.
    await sweepDeadRuns(endpoint)
    for (const path of [`/containers/${name}/json`, `/networks/${name}`, `/volumes/${name}`]) {
      await expect.poll(async () => (await engineRequest(endpoint, "GET", path)).status).toBe(404)
    }
    expect((await engineRequest(endpoint, "GET", `/containers/${kept.id}/json`)).status).toBe(200)
  })
})

describeEngine("an engine of a docker context, such as that of Docker Desktop or colima", () => {
  itDockerCli("is the engine of the tests", async (docker) => {
    const folder = await mkdtemp(join(tmpdir(), "dockwire-context-"))
    const colima = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(async () => {
      await colima.close()
      await rm(folder, { recursive: true })
    })
    const environment = { DOCKER_CONFIG: folder }
    const create = ["context", "create", "colima", "--docker", `host=${colima.endpoint}`]
    expect(await docker(create, environment)).toMatchObject({ success: true })
    const found = async (variables: Readonly<Record<string, string>>) => {
      for (const [name, value] of Object.entries({
        DOCKER_HOST: "",
        DOCKER_CONTEXT: "",
        ...environment,
        ...variables
      })) {
        vi.stubEnv(name, value)
      }
      return (await reachableEndpoint().finally(vi.unstubAllEnvs)).endpoint
    }
    expect(await found({ DOCKER_CONTEXT: "colima" })).toBe(colima.endpoint)
    expect(await docker(["context", "use", "colima"], environment)).toMatchObject({ success: true })
    expect(await found({})).toBe(colima.endpoint)
    expect(await found({ DOCKER_HOST: testEngine().endpoint })).toBe(testEngine().endpoint)
    // A context that does not exist does not keep the tests from finding another engine.
    expect(await found({ DOCKER_CONTEXT: "gone" })).not.toBe(colima.endpoint)
  })
})

describeEngine("a registry of the tests", () => {
  it("accepts a push and serves the image again, to authorized users only", async ({ skip }) => {
    const unavailable = await registryUnavailable()
    if (unavailable !== undefined || !testEngine().private) return skip(unavailable ?? "the engine may be elsewhere")
    const { endpoint } = testEngine()
    const registry = await startTestRegistry({ isPrivate: true })
    onTestFinished(registry.stop)
    const image = `${registry.host}/team/box`
    await engineCall(endpoint, "POST", `/images/busybox/tag?repo=${encodeURIComponent(image)}&tag=1`)
    onTestFinished(async () => void (await engineRequest(endpoint, "DELETE", `/images/${image}:1`)))
    const asUser = { headers: { "X-Registry-Auth": registry.authHeader } }
    const asNobody = { headers: { "X-Registry-Auth": Buffer.from("{}").toString("base64url") } }
    const push = `/images/${image}/push?tag=1`
    expect((await engineCall(endpoint, "POST", push, undefined, asNobody)).text).toContain("no basic auth credentials")
    expect((await engineCall(endpoint, "POST", push, undefined, asUser)).text).toContain("digest: sha256:")
    await engineCall(endpoint, "DELETE", `/images/${image}:1`)
    const pull = `/images/create?fromImage=${encodeURIComponent(image)}&tag=1`
    expect((await engineRequest(endpoint, "POST", pull, undefined, asNobody)).status).toBe(500)
    expect((await engineCall(endpoint, "POST", pull, undefined, asUser)).text).toContain("Digest: sha256:")
  })
})

describeKillableEngine("a killable engine", () => {
  let engine: KillableEngine | undefined
  afterEach(() => engine?.dispose())

  const stateOf = async (endpoint: string, id: string): Promise<unknown> =>
    jsonAt((await engineCall(endpoint, "GET", `/containers/${id}/json`)).json, "State", "Status")

  it("with live restore keeps its containers when killed, and leaves nothing after disposal", async () => {
    engine = await startKillableEngine({ liveRestore: true, name: "live" })
    const { endpoint, socketPath } = engine
    const container = await startTestContainer({
      endpoint,
      cmd: ["sh", "-c", "i=0; while :; do i=$((i+1)); echo tick$i; sleep 0.1; done"]
    })
    const before = jsonAt(await container.inspect(), "State", "Pid")
    const first = engine.pid
    await engine.kill()
    expect(engine.pid).toBeUndefined()
    expect(await answersPing(endpoint)).toBe(false)
    await engine.start()
    expect(engine.pid).not.toBe(first)
    expect(await stateOf(endpoint, container.id)).toBe("running")
    expect(jsonAt(await container.inspect(), "State", "Pid")).toBe(before)
    await engine.stop()
    expect(engine.pid).toBeUndefined()
    const folder = daemonFolder(dirname(socketPath))
    expect(processesOf(folder).length).toBeGreaterThan(0)
    await engine.dispose()
    expect(processesOf(folder)).toEqual([])
    expect(mountsOf(folder)).toEqual([])
    expect(existsSync(folder.root)).toBe(false)
    expect(identityOf(Number(before))).toBeUndefined()
  })

  it("without live restore loses its containers, and can be disposed of while it is dead", async () => {
    engine = await startKillableEngine()
    const { endpoint } = engine
    // At its start the engine stops what it finds running, and waits the container's stop timeout.
    const container = await startTestContainer({ endpoint, cmd: ["sleep", "600"], config: { StopTimeout: 1 } })
    await engine.kill()
    await engine.start()
    expect(await stateOf(endpoint, container.id)).toBe("exited")
    await container.start()
    await engine.kill()
    const folder = daemonFolder(dirname(engine.socketPath))
    await engine.dispose()
    await engine.dispose()
    expect(processesOf(folder)).toEqual([])
    expect(mountsOf(folder)).toEqual([])
    expect(existsSync(folder.root)).toBe(false)
  })

  it("that belongs to a killed process is swept, with its containers", async () => {
    const script = `
      import { startKillableEngine } from ${JSON.stringify(new URL("./killableEngine.ts", import.meta.url).href)}
      import { startTestContainer } from ${JSON.stringify(new URL("./testContainer.ts", import.meta.url).href)}
      const engine = await startKillableEngine({ liveRestore: true, name: "orphan" })
      const container = await startTestContainer({ endpoint: engine.endpoint, cmd: ["sleep", "600"] })
      console.log(engine.socketPath)
      await engine.kill()
      process.kill(process.pid, "SIGKILL")`
    const died = await run(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script]).catch(
      (error: unknown) => error
    )
    expect(jsonAt(died, "signal")).toBe("SIGKILL")
    const folder = daemonFolder(dirname(String(jsonAt(died, "stdout")).trim()))
    expect(processesOf(folder).length).toBeGreaterThan(0)
    // A run that starts at this moment sweeps it as well: what counts is that it is gone.
    await sweepKillableEngines()
    await expect.poll(() => existsSync(folder.root)).toBe(false)
    expect(processesOf(folder)).toEqual([])
    expect(mountsOf(folder)).toEqual([])
  })
})
