import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../../DockerError.js"
import type { ContainerLimits, ContainerSpec, HealthCheckSpec, MountSpec, RestartPolicy } from "./containerSpec.js"
import { mergeProperties } from "./mergeProperties.js"

const encodeRestartPolicy = (restart: RestartPolicy | undefined) =>
  restart === undefined ? undefined : { Name: restart.policy, MaximumRetryCount: restart.maximumRetryCount ?? 0 }

const encodeCpus = (cpus: number | undefined) => (cpus === undefined ? undefined : Math.round(cpus * 1e9))

const nanoseconds = (duration: Duration.DurationInput | undefined) =>
  duration === undefined ? undefined : Math.round(Duration.toMillis(duration) * 1e6)

const encodeHealthCheck = (check: HealthCheckSpec | "none" | undefined) =>
  check === undefined
    ? undefined
    : check === "none"
      ? { Test: ["NONE"] }
      : {
          Test: typeof check.command === "string" ? ["CMD-SHELL", check.command] : ["CMD", ...check.command],
          Interval: nanoseconds(check.interval),
          Timeout: nanoseconds(check.timeout),
          Retries: check.retries,
          StartPeriod: nanoseconds(check.startPeriod)
        }

const encodeMount = (mount: MountSpec) => {
  switch (mount.type) {
    case "bind":
      return {
        Type: "bind",
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        BindOptions: mount.propagation === undefined ? undefined : { Propagation: mount.propagation }
      }
    case "volume":
      return {
        Type: "volume",
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        VolumeOptions: mount.noCopy === undefined ? undefined : { NoCopy: mount.noCopy }
      }
    case "tmpfs":
      return {
        Type: "tmpfs",
        Target: mount.target,
        TmpfsOptions:
          mount.size === undefined && mount.mode === undefined ? undefined : { SizeBytes: mount.size, Mode: mount.mode }
      }
  }
}

const imageStart = /^[a-z0-9]/i

const isPort = (port: number, lowest: number) => Number.isInteger(port) && port >= lowest && port <= 65_535

const validateSpec = ({ image, ports = [] }: ContainerSpec): Effect.Effect<void, InvalidRequest> => {
  if (!imageStart.test(image)) {
    return Effect.fail(
      new InvalidRequest({ field: "image", value: image, detail: "must be an image reference or an image id" })
    )
  }
  for (const { containerPort, hostPort = 0 } of ports) {
    if (isPort(containerPort, 1) && isPort(hostPort, 0)) continue
    const value = String(isPort(containerPort, 1) ? hostPort : containerPort)
    return Effect.fail(new InvalidRequest({ field: "port", value, detail: "must be an integer between 1 and 65535" }))
  }
  return Effect.void
}

const portBindings = (ports: ContainerSpec["ports"] = []) => {
  const bindings: Record<string, Array<{ HostIp: string; HostPort: string }>> = {}
  for (const { containerPort, hostIp, hostPort, protocol = "tcp" } of ports) {
    const key = `${containerPort}/${protocol}`
    const binding = { HostIp: hostIp ?? "", HostPort: hostPort === undefined ? "" : String(hostPort) }
    bindings[key] = [...(bindings[key] ?? []), binding]
  }
  return bindings
}

const encodeHostConfig = (spec: ContainerSpec, bindings: ReturnType<typeof portBindings>) => ({
  PortBindings: bindings,
  Binds: spec.binds,
  Mounts: spec.mounts?.map(encodeMount),
  Tmpfs: spec.tmpfs,
  NetworkMode: spec.network,
  RestartPolicy: encodeRestartPolicy(spec.restart),
  LogConfig: spec.log === undefined ? undefined : { Type: spec.log.driver, Config: spec.log.options ?? {} },
  AutoRemove: spec.autoRemove,
  Memory: spec.memory,
  NanoCpus: encodeCpus(spec.cpus)
})

/** The body of `POST /containers/create`: the spec's own fields, with `config` and `hostConfig` merged over them. */
export const containerBody = (spec: ContainerSpec): Record<string, unknown> => {
  const bindings = portBindings(spec.ports)
  const own = {
    Image: spec.image,
    Cmd: spec.command,
    Entrypoint: spec.entrypoint,
    Env:
      spec.environment === undefined
        ? undefined
        : Object.entries(spec.environment).map(([key, value]) => `${key}=${value}`),
    Labels: spec.labels,
    WorkingDir: spec.workingDirectory,
    User: spec.user,
    Tty: spec.tty,
    OpenStdin: spec.openStdin,
    Hostname: spec.hostname,
    StopSignal: spec.stopSignal,
    Healthcheck: encodeHealthCheck(spec.healthCheck),
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((key) => [key, {}])),
    HostConfig: encodeHostConfig(spec, bindings)
  }
  return mergeProperties(mergeProperties(own, spec.config ?? {}), { HostConfig: spec.hostConfig })
}

/** Encodes the body of `POST /containers/create`. */
export const encodeContainerSpec = (spec: ContainerSpec): Effect.Effect<Record<string, unknown>, InvalidRequest> =>
  Effect.map(validateSpec(spec), () => containerBody(spec))

/** Encodes the body of `POST /containers/{id}/update`. */
export const encodeContainerLimits = (limits: ContainerLimits) => ({
  Memory: limits.memory,
  MemorySwap: limits.memorySwap,
  MemoryReservation: limits.memoryReservation,
  NanoCpus: encodeCpus(limits.cpus),
  CpuShares: limits.cpuShares,
  CpusetCpus: limits.cpuset,
  PidsLimit: limits.pids,
  RestartPolicy: encodeRestartPolicy(limits.restart)
})

/** Where the fields of a spec stand in the body of the create request. */
const bodyPaths: Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>> = {
  command: [["Entrypoint"], ["Cmd"]],
  cpus: [["HostConfig", "NanoCpus"]],
  cpuset: [["HostConfig", "CpusetCpus"]],
  cpuShares: [["HostConfig", "CpuShares"]],
  devices: [["HostConfig", "Devices"]],
  healthCheck: [["Healthcheck"]],
  hostname: [["Hostname"]],
  image: [["Image"]],
  log: [["HostConfig", "LogConfig", "Type"]],
  memory: [["HostConfig", "Memory"]],
  memoryReservation: [["HostConfig", "MemoryReservation"]],
  memorySwap: [["HostConfig", "MemorySwap"]],
  mounts: [
    ["HostConfig", "Binds"],
    ["HostConfig", "Mounts"],
    ["HostConfig", "Tmpfs"]
  ],
  network: [["HostConfig", "NetworkMode"]],
  pids: [["HostConfig", "PidsLimit"]],
  ports: [["HostConfig", "PortBindings"]],
  restart: [["HostConfig", "RestartPolicy", "Name"]],
  stopSignal: [["StopSignal"]],
  user: [["User"]],
  workingDirectory: [["WorkingDir"]]
}

const at = (body: unknown, [key, ...path]: ReadonlyArray<string>): unknown =>
  key === undefined
    ? body
    : typeof body === "object" && body !== null
      ? at(new Map<string, unknown>(Object.entries(body)).get(key), path)
      : undefined

const describeValue = (value: unknown): string =>
  Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value.join(" ")
    : typeof value === "string"
      ? value
      : JSON.stringify(value)

/** The value of a field of a spec, as it was sent to the engine, as text for an error. */
export const describeField = (spec: ContainerSpec, field: string): string => {
  if (field === "name") return spec.name ?? ""
  if (field === "platform") return spec.platform ?? ""
  const body = containerBody(spec)
  return (bodyPaths[field] ?? [])
    .map((path) => at(body, path))
    .filter((value) => value !== undefined && value !== null)
    .map(describeValue)
    .join(" ")
}
