import type { ContainerSetting } from "../../../DockerError.js"
import type { ContainerLimits } from "./containerSpec.js"

/** The engine's messages about limits, each with the limit that it blames. */
const limitPatterns: ReadonlyArray<readonly [keyof ContainerLimits, RegExp]> = [
  ["memorySwap", /minimum memoryswap limit|memory\.(memsw|swap)|set the memory limit when you set the memoryswap/i],
  ["memoryReservation", /memory[ .]reservation|memory\.(soft_limit|low)/i],
  ["memory", /memory limit|memory\.(limit|max)/i],
  ["cpus", /range of cpus|nano cpus/i],
  ["cpuShares", /cpu[- .]shares/i],
  ["cpuset", /cpuset|requested cpus are not available/i],
  ["pids", /pids/i],
  ["restart", /restart ?policy|retry count/i]
]

/** The limit that a message of the engine blames, if any. */
export const blamedLimit = (detail: string): keyof ContainerLimits | undefined =>
  limitPatterns.find(([, pattern]) => pattern.test(detail))?.[0]

/**
 * Messages of the engine and its runtimes that blame a setting of the container. Messages about a program missing on
 * the engine's host, or about a mount that every container has, do not match: the container is not at fault.
 */
const settingPatterns: ReadonlyArray<readonly [ContainerSetting, RegExp]> = [
  [
    "command",
    /container process(?: caused)?:? "?(?:error during container init: )?exec: |executable file `|open executable/
  ],
  ["network", /(?:^|: )network .+ not found|cannot join network of a/i],
  // The host has no such address, or the engine may not use the port.
  ["ports", /cannot assign requested address|bind: permission denied|cannot expose privileged port/],
  ["workingDirectory", /chdir to cwd/],
  ["user", /no matching entries in (passwd|group)/],
  ["devices", /gathering device information/],
  [
    "mounts",
    /\bmounting \\*"(?:\/|tmpfs\\*" to rootfs at \\*"(?!\/dev\\*"))|error while mounting volume|bind source path does not exist|invalid mount|invalid volume specification|includes invalid characters for a local volume name|duplicate mount point/i
  ]
]

/** The setting that a message of the engine blames, if any. */
export const blamedSetting = (detail: string): ContainerSetting | undefined =>
  settingPatterns.find(([, pattern]) => pattern.test(detail))?.[0]

/** Messages about the settings of a new container that neither its start nor an update can blame. */
const specPatterns: ReadonlyArray<readonly [string, RegExp]> = [
  ["name", /invalid container name|name must match/i],
  ["platform", /platform|operating system or architecture/i],
  ["log", /logging plugin|log opt|log driver/i],
  ["healthCheck", /healthcheck/i],
  ["hostname", /hostname/i],
  ["stopSignal", /invalid signal/i],
  ["image", /invalid reference format/i]
]

/** The field of a new container's spec that a message of the engine blames, if any. */
export const blamedField = (detail: string): string | undefined =>
  blamedLimit(detail) ?? blamedSetting(detail) ?? specPatterns.find(([, pattern]) => pattern.test(detail))?.[0]
