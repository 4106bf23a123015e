import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "./freePort.js"
import { startKillableEngine } from "./killableEngine.js"
import { makeTestCertificates, type TestCertificates } from "./testCertificates.js"

/** An engine that is reached over TLS, and knows its clients by their certificates. */
export interface TlsEngine {
  /** Its socket, for whoever needs no TLS. */
  readonly endpoint: string
  readonly port: number
  /** The file of its network namespace. */
  readonly network: string
  readonly certificates: TestCertificates
  /** Ends it and its containers and removes its folders. */
  readonly dispose: () => Promise<void>
}

/**
 * Opens a port in this network namespace and hands it to the command behind, which goes into another: what systemd does
 * for a socket unit. Perl is on every Debian.
 */
const activation = [
  "use Socket;",
  "$^F = 9;",
  "socket(my $s, PF_INET, SOCK_STREAM, 0) || die $!; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);",
  "bind($s, pack_sockaddr_in(shift, INADDR_LOOPBACK)) && listen($s, 128) || die $!;",
  'fileno($s) == 3 || die "the port is not descriptor 3";',
  "$ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;",
  "exec @ARGV"
].join(" ")

/** Starts one, of the usual edition, on a port of the loopback. */
export const startTlsEngine = async (): Promise<TlsEngine> => {
  const certificates = await makeTestCertificates()
  const folder = await mkdtemp(join(tmpdir(), "dockwire-tls-engine-"))
  try {
    const { ca, server } = certificates
    await writeFile(join(folder, "ca.pem"), ca)
    await writeFile(join(folder, "cert.pem"), server.cert)
    await writeFile(join(folder, "key.pem"), server.key, { mode: 0o600 })
    const file = (name: string) => join(folder, `${name}.pem`)
    const port = await freePort()
    const tls = ["--tlsverify", "--tlscacert", file("ca"), "--tlscert", file("cert"), "--tlskey", file("key")]
    const engine = await startKillableEngine({
      name: "tls",
      flags: ["-H", "fd://", ...tls],
      wrapper: ["perl", "-e", activation, String(port)]
    })
    return {
      endpoint: engine.endpoint,
      port,
      network: engine.network,
      certificates,
      dispose: async () => {
        await engine.dispose()
        await rm(folder, { recursive: true, force: true })
      }
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}
