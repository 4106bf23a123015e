import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** A certificate and its key, as PEM texts. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** An authority of the tests' own and what it signed. */
export interface TestCertificates {
  readonly ca: string
  /** For `localhost`, `127.0.0.1` and `::1`. */
  readonly server: TestCertificate
  readonly client: TestCertificate
}

/** Makes an authority, a server's and a client's certificate with the openssl command. */
export const makeTestCertificates = async (): Promise<TestCertificates> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-certificates-"))
  try {
    const openssl = (...words: ReadonlyArray<string>) => run("openssl", words, { cwd: folder })
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    await openssl(
      "req",
      "-x509",
      ...newKey,
      "-keyout",
      "ca-key.pem",
      "-out",
      "ca.pem",
      "-days",
      "2",
      "-subj",
      "/CN=Dockwire tests"
    )
    const sign = async (name: string, extensions: string): Promise<TestCertificate> => {
      await writeFile(join(folder, `${name}.ext`), extensions)
      await openssl("req", ...newKey, "-keyout", `${name}-key.pem`, "-out", `${name}.csr`, "-subj", `/CN=${name}`)
      await openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca-key.pem",
        "-CAcreateserial",
        "-out",
        `${name}.pem`,
        "-days",
        "2",
        "-extfile",
        `${name}.ext`
      )
      return {
        cert: await readFile(join(folder, `${name}.pem`), "utf8"),
        key: await readFile(join(folder, `${name}-key.pem`), "utf8")
      }
    }
    return {
      ca: await readFile(join(folder, "ca.pem"), "utf8"),
      server: await sign("server", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n"),
      client: await sign("client", "extendedKeyUsage=clientAuth\n")
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
