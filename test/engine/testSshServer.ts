import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { machineApt, packagesUnavailable } from "./debianPackages.js"
import { obtainBinaries } from "./engineBinaries.js"
import { engineCache } from "./engineFolders.js"
import { withFileLock } from "./fileLock.js"
import { freePort } from "./freePort.js"

const run = promisify(execFile)

/** An ssh server of the tests' own on the loopback, behind which the docker command finds an engine. */
export interface TestSshServer {
  readonly port: number
  /** The user to log in as. */
  readonly user: string
  /** A folder for the front of `PATH`: its `ssh` has the key that may log in and knows the server. */
  readonly path: string
  /** The same with a key that may not. */
  readonly strangerPath: string
  /** The same with the right key, for a client that knows another server by this name. */
  readonly distrustingPath: string
  /** How many clients have logged in so far. */
  readonly logins: () => number
  /** How many connections it has dropped because too many others were not logged in yet. */
  readonly drops: () => number
  /** Ends it and every connection through it. */
  readonly stop: () => Promise<void>
}

/** Why no ssh server can be had here, `undefined` when one can. */
export const sshServerUnavailable = packagesUnavailable

/**
 * Debian's OpenSSH, unpacked into the harness's own folder: nothing is installed, so that no server of the machine's own
 * ever starts.
 */
export const obtainOpenSsh = async (): Promise<string> => {
  const final = join(engineCache(), "openssh-2")
  if (existsSync(final)) return final
  return withFileLock(join(engineCache(), "openssh.lock"), async () => {
    if (existsSync(final)) return final
    const work = `${final}.part`
    await rm(work, { recursive: true, force: true })
    await mkdir(join(work, "debs"), { recursive: true })
    await machineApt(["download", "openssh-server", "openssh-client", "libwrap0"], join(work, "debs"))
    for (const deb of await readdir(join(work, "debs"))) await run("dpkg", ["-x", join(work, "debs", deb), work])
    await rm(join(work, "debs"), { recursive: true })
    await rename(work, final)
    return final
  })
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => done(true))
    socket.once("error", () => done(false))
  })

/**
 * Starts an ssh server; `dockerHost` is where the docker command looks that runs behind it. `maxStartups` is how many
 * connections may be open that are not logged in yet.
 */
export const startTestSshServer = async (dockerHost: string, maxStartups = 100): Promise<TestSshServer> => {
  const unavailable = await sshServerUnavailable()
  if (unavailable !== undefined) throw new Error(`The tests can't start an ssh server: ${unavailable}.`)
  const [binaries, openSsh] = await Promise.all([obtainBinaries(), obtainOpenSsh()])
  const folder = await mkdtemp(join(tmpdir(), "dockwire-ssh-"))
  await chmod(folder, 0o755)
  const port = await freePort()
  for (const key of ["host", "other-host", "user", "stranger"]) {
    await run(join(openSsh, "usr/bin/ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, key)])
  }
  const publicKey = (name: string) => readFile(join(folder, `${name}.pub`), "utf8")
  await writeFile(join(folder, "authorized_keys"), await publicKey("user"))
  await writeFile(
    join(folder, "sshd_config"),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, "host")}`,
      `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
      "PidFile none",
      "AuthenticationMethods publickey",
      "PermitRootLogin prohibit-password",
      "StrictModes no",
      "UsePAM no",
      "PrintMotd no",
      `MaxStartups ${maxStartups}`,
      "LogLevel VERBOSE",
      `SetEnv DOCKER_HOST=${dockerHost} PATH=${binaries.path}`,
      ""
    ].join("\n")
  )
  const client = async (name: string, key: string, hostKey: string): Promise<string> => {
    const path = join(folder, name)
    await mkdir(path)
    const known = join(folder, `${name}-known-hosts`)
    await writeFile(known, `dockwire-test ${await publicKey(hostKey)}`)
    const own = (process.env["PATH"] ?? "").split(delimiter).map((part) => join(part, "ssh"))
    const ssh = own.find((file) => existsSync(file)) ?? join(openSsh, "usr/bin/ssh")
    const settings = [
      "-F",
      "none",
      "-o",
      "IdentitiesOnly=yes",
      "-o",
      `IdentityFile=${join(folder, key)}`,
      // Whatever port it is reached by.
      "-o",
      "HostKeyAlias=dockwire-test",
      "-o",
      `UserKnownHostsFile=${known}`,
      "-o",
      "GlobalKnownHostsFile=/dev/null"
    ]
    await writeFile(join(path, "ssh"), `#!/bin/sh\nexec '${ssh}' ${settings.join(" ")} "$@"\n`, { mode: 0o755 })
    return path
  }
  const paths = {
    path: await client("right", "user", "host"),
    strangerPath: await client("stranger-client", "stranger", "host"),
    distrustingPath: await client("distrusting", "user", "other-host")
  }
  // The server wants a user "sshd" and a folder /run/sshd: it sees them, and nobody else does.
  const users = await readFile("/etc/passwd", "utf8")
  await writeFile(
    join(folder, "passwd"),
    /^sshd:/m.test(users) ? users : `${users}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`
  )
  await mkdir(join(folder, "empty"))
  const script = [
    `mount --bind '${join(folder, "passwd")}' /etc/passwd`,
    `mkdir -p /run/sshd`,
    `mount --bind '${join(folder, "empty")}' /run/sshd`,
    `exec '${join(openSsh, "usr/sbin/sshd")}' -D -e -f '${join(folder, "sshd_config")}'`
  ].join(" && ")
  const triplet = (await readdir(join(openSsh, "usr/lib"))).find((name) => name.includes("-linux-gnu")) ?? ""
  // In a pid namespace of its own, so that no session outlives it.
  const apart = ["--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", script]
  const server = spawn("setpriv", apart, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, LD_LIBRARY_PATH: join(openSsh, "usr/lib", triplet) }
  })
  let words = ""
  server.stderr.on("data", (chunk: Buffer) => (words += chunk.toString("utf8")))
  const ended = once(server, "close")
  const stop = async (): Promise<void> => {
    server.kill("SIGKILL")
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  for (const end = Date.now() + 20_000; !(await listens(port)); await sleep(50)) {
    if (server.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error(`The ssh server did not start: ${words.trim()}`)
    }
  }
  const count = (pattern: RegExp) => () => words.match(pattern)?.length ?? 0
  return {
    port,
    user: "root",
    ...paths,
    logins: count(/^Accepted publickey/gm),
    drops: count(/^(drop connection|.*past MaxStartups)/gm),
    stop
  }
}
