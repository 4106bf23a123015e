/**
 * Makes `node_modules` what `package-lock.json` says, with `npm ci`, and does nothing when it is that already. Needs
 * nothing but Node. Several at once wait for the one that installs; what an aborted install left is installed anew.
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

/** Who installs renews its lock every second; one that is older than this is of somebody who died. */
const staleAfterMillis = 10_000

/** How long an npm is waited for that outlived who had started it. */
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

/** Of the optional ones only those count that are made for this platform and no other. */
const isNeeded = (entry) =>
  entry.optional === true
    ? (entry.os !== undefined || entry.cpu !== undefined) &&
      entry.libc === undefined &&
      allows(entry.os, process.platform) &&
      allows(entry.cpu, process.arch)
    : true

/** npm writes the second file last, so it is missing after an install that was aborted. */
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

/** The holder's token, and the process id of its npm once that runs. */
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

/** Takes the lock or says that another has it. */
const takeLock = async (token) => {
  mkdirSync(cache, { recursive: true })
  try {
    writeFileSync(lock, token, { flag: "wx" })
    return true
  } catch (error) {
    if (error.code !== "EEXIST") throw error
  }
  if (!isLockDead()) return false
  // Of several who find the same dead lock, all may put their own in its place, and the last one has it.
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
      // Somebody took it for dead: this install goes on, and the other one sees what it made.
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
    console.error(`${output.trim()}\nThe dependencies could not be installed: npm ci ended with ${reason}.`)
    process.exitCode = 1
  } finally {
    clearInterval(renewal)
    release()
  }
}

const main = async () => {
  const token = randomUUID()
  // A lock that is there means that the files may be about to change under our eyes.
  for (let told = false; !isInstalled() || isThere(".cache/install.lock");) {
    if (await takeLock(token)) {
      if (isInstalled()) rmSync(lock, { force: true })
      else await install(token)
      return
    }
    if (!told) console.log("Waiting for another install of the dependencies")
    told = true
    await sleep(200)
  }
}

await main()
