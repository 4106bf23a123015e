/**
 * Runs `npm ci` unless `node_modules` already matches `package-lock.json`. Needs only Node. Concurrent runs wait for the
 * first one, and an aborted install is repeated.
 */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const cache = join(root, ".cache")
const lock = join(cache, "install.lock")

/** An install renews its lock every second. An older lock belongs to a process that has died. */
const staleAfterMillis = 10_000

/** How long to wait for an npm that has outlived the process that started it. */
const orphanMillis = 300_000

const lockedPackages = (file) => {
  try {
    return JSON.parse(readFileSync(join(root, file), "utf8")).packages ?? {}
  } catch {
    return undefined
  }
}

const isThere = (path) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined

const allows = (list, value) =>
  list === undefined ||
  (list.some((item) => !item.startsWith("!")) ? list.includes(value) : !list.includes(`!${value}`))

/** An optional package is needed only if it is built specifically for this platform. */
const isNeeded = (entry) =>
  entry.optional === true
    ? (entry.os !== undefined || entry.cpu !== undefined) &&
      entry.libc === undefined &&
      allows(entry.os, process.platform) &&
      allows(entry.cpu, process.arch)
    : true

/** npm writes the second file last, so it is missing after an aborted install. */
const isInstalled = () => {
  const wanted = lockedPackages("package-lock.json")
  const installed = lockedPackages("node_modules/.package-lock.json")
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/") || !isNeeded(entry)) return true
    const there = installed[path]
    return (
      there !== undefined &&
      there.version === entry.version &&
      there.integrity === entry.integrity &&
      isThere(entry.link === true ? path : `${path}/package.json`)
    )
  })
}

/** The token of the lock's holder, and the process id of its npm once it has started. */
const readLock = () => {
  try {
    const [token, npm] = readFileSync(lock, "utf8").split(" ")
    return { token, npm: Number(npm ?? 0) }
  } catch {
    return { token: "", npm: 0 }
  }
}

const isAlive = (pid) => {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return error.code === "EPERM"
  }
}

const isLockDead = () => {
  const held = statSync(lock, { throwIfNoEntry: false })
  if (held === undefined) return false
  const age = Date.now() - held.mtimeMs
  return age > staleAfterMillis && (age > orphanMillis || !isAlive(readLock().npm))
}

/** Tries to take the lock. Returns whether it succeeded. */
const takeLock = async (token) => {
  mkdirSync(cache, { recursive: true })
  try {
    writeFileSync(lock, token, { flag: "wx" })
    return true
  } catch (error) {
    if (error.code !== "EEXIST") throw error
  }
  if (!isLockDead()) return false
  // Several processes may replace the same dead lock. The last one holds it.
  writeFileSync(`${lock}.${token}`, token)
  renameSync(`${lock}.${token}`, lock)
  await sleep(500)
  return readLock().token === token
}

const runNpm = (started) =>
  new Promise((resolve, reject) => {
    const options = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"]
    const npm = process.env.npm_execpath
    const child =
      npm !== undefined && basename(npm) === "npm-cli.js"
        ? spawn(process.execPath, [npm, ...options], { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
        : spawn("npm", options, {
            cwd: root,
            stdio: ["ignore", "pipe", "pipe"],
            shell: process.platform === "win32"
          })
    if (child.pid !== undefined) started(child.pid)
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8")
      stream.on("data", (text) => (output += text))
    }
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ failed: code !== 0, reason: signal ?? `exit code ${code}`, output }))
  })

const install = async (token) => {
  const release = () => {
    if (readLock().token === token) rmSync(lock, { force: true })
  }
  const renewal = setInterval(() => {
    try {
      utimesSync(lock, new Date(), new Date())
    } catch {
      // Another process took the lock for dead. This install continues, and the other one will find its result.
    }
  }, 1_000)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => {
      release()
      process.exit(1)
    })
  }
  try {
    console.log("Installing the dependencies (npm ci)")
    const { failed, output, reason } = await runNpm((pid) => writeFileSync(lock, `${token} ${pid}`))
    if (!failed) return
    console.error(`${output.trim()}\nInstalling the dependencies failed: npm ci ended with ${reason}.`)
    process.exitCode = 1
  } finally {
    clearInterval(renewal)
    release()
  }
}

const main = async () => {
  const token = randomUUID()
  // While there is a lock, the files may be about to change.
  for (let reported = false; !isInstalled() || isThere(".cache/install.lock");) {
    if (await takeLock(token)) {
      if (isInstalled()) rmSync(lock, { force: true })
      else await install(token)
      return
    }
    if (!reported) console.log("Waiting for another process that installs the dependencies")
    reported = true
    await sleep(200)
  }
}

await main()
