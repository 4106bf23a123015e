import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { obtainPackages } from "./debianPackages.js"
import { freePort } from "./freePort.js"

/** What nginx is configured to do. */
export interface NginxOptions {
  /** The port that it listens on. Default: a free one. */
  readonly port?: number
  /** The port of the server that it forwards requests to. */
  readonly serverPort: number
  /** The `Host` that it sends. Default: `$host:$server_port`. */
  readonly host?: string
  /** Whether it requires a user name and password: `viewer` and `secret`. */
  readonly hasPassword?: boolean
  /** The folder in which it serves the server: `/dockwire`. Default: none. */
  readonly folder?: string
  /** Whether it takes the folder off the addresses that it passes on. */
  readonly takesFolderOff?: boolean
  /** Whether it passes WebSockets on. Default: true. */
  readonly passesWebSockets?: boolean
}

/** An nginx on this machine that forwards to a server. */
export interface NginxProxy {
  readonly port: number
  readonly stop: () => Promise<void>
}

const set = { what: "nginx", size: "1 MB", packages: ["nginx/bookworm"], layout: 1 }

/** The folder of nginx's package, fetched on first use. */
export const obtainNginx = (progress: (line: string) => void): Promise<string> => obtainPackages(set, progress)

const config = (folder: string, port: number, options: NginxOptions): string => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    ${options.hasPassword === true ? `auth_basic "logs"; auth_basic_user_file ${folder}/passwords;` : ""}
    location ${options.folder ?? ""}/ {
      proxy_pass http://127.0.0.1:${options.serverPort}${options.takesFolderOff === true ? "/" : ""};
      proxy_http_version 1.1;
      proxy_set_header Host ${options.host ?? "$host:$server_port"};
      ${options.passesWebSockets === false ? "" : `proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`}
    }
  }
}
`

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("connect", () => resolve(true))
    socket.on("error", () => resolve(false))
    socket.on("connect", () => socket.destroy())
  })

/** Starts nginx from the Debian package, which is downloaded on first use. It ends with this process at the latest. */
export const startNginx = async (options: NginxOptions): Promise<NginxProxy> => {
  const root = await obtainNginx(console.log)
  const folder = await mkdtemp(join(tmpdir(), "dockwire-nginx-"))
  const port = options.port ?? (await freePort())
  await writeFile(join(folder, "passwords"), "viewer:{PLAIN}secret\n")
  await writeFile(join(folder, "nginx.conf"), config(folder, port, options))
  const child = spawn(
    "setpriv",
    ["--pdeathsig=KILL", join(root, "usr/sbin/nginx"), "-p", folder, "-c", join(folder, "nginx.conf")],
    { stdio: ["ignore", "ignore", "pipe"] }
  )
  let output = ""
  child.stderr.on("data", (data: Buffer) => (output += data.toString("utf8")))
  const exited = once(child, "exit")
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`nginx exited with ${child.exitCode}: ${output}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    port,
    stop: async () => {
      child.kill("SIGKILL")
      await exited
      await rm(folder, { recursive: true, force: true })
    }
  }
}
