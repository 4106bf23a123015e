import { execFile } from "node:child_process"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { libraryFolders } from "./debianPackages.js"

const run = promisify(execFile)

/**
 * Writes scripts `iptables`, `ip6tables` and their save and restore forms, which run the unpacked ones with their own
 * libraries. On Debian these names are made at installation; unpacked packages have them only with a kind behind.
 */
export const writeIptablesScripts = async (root: string, final: string): Promise<void> => {
  const [folder] = await libraryFolders(root)
  if (folder === undefined) throw new Error("The unpacked iptables packages contain no libraries.")
  const triplet = basename(folder)
  const environment = (base: string) => ({
    LD_LIBRARY_PATH: join(base, "usr/lib", triplet),
    XTABLES_LIBDIR: join(base, "usr/lib", triplet, "xtables")
  })
  const nft = run(join(root, "usr/sbin/iptables-nft"), ["-t", "nat", "-L", "-n"], { env: environment(root) })
  const kind = await nft.then(
    () => "nft",
    () => "legacy"
  )
  await mkdir(join(root, "iptables"))
  const settings = Object.entries(environment(final)).map(([name, value]) => `${name}='${value}'`)
  for (const family of ["iptables", "ip6tables"]) {
    for (const form of ["", "-save", "-restore"]) {
      const file = join(root, "iptables", `${family}${form}`)
      const target = join(final, "usr/sbin", `${family}-${kind}${form}`)
      await writeFile(file, `#!/bin/sh\n${settings.join(" ")} exec '${target}' "$@"\n`)
      await chmod(file, 0o755)
    }
  }
}
