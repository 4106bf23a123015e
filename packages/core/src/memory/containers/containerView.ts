import { nanosTimestamp } from "../../internal/api/engineTime.js"
import type { EngineState } from "../state/engineState.js"
import { contentSize } from "../state/images/imageContent.js"
import { isRunning, type MemoryContainer, type Mount } from "../state/memoryContainer.js"
import { ageText } from "../time/ageText.js"
import { zeroTime } from "../time/timestamps.js"
import { writableLayerSize } from "./containerChanges.js"
import { commandLine, hostname } from "./processConfig.js"

const timestamp = (nanos: bigint | undefined) => (nanos === undefined ? zeroTime : nanosTimestamp(nanos))

const mountView = ({ name, source, target, type, writable }: Mount) => ({
  Type: type,
  ...(name === undefined ? {} : { Name: name, Driver: "local" }),
  Source: source,
  Destination: target,
  Mode: "",
  RW: writable,
  Propagation: type === "bind" ? "rprivate" : ""
})

const networksView = (state: EngineState, container: MemoryContainer) =>
  Object.fromEntries(
    [...container.endpoints].map(([key, { address, aliases, id, requestedAddress }]) => {
      const network = state.networks.get(key)
      const [ip = "", bits = "0"] = address.split("/")
      const view = {
        IPAMConfig: requestedAddress === undefined ? null : { IPv4Address: requestedAddress },
        Links: null,
        Aliases: aliases.length === 0 ? null : aliases,
        MacAddress: "",
        NetworkID: network?.id ?? "",
        EndpointID: isRunning(container) ? id : "",
        Gateway: ip === "" ? "" : (network?.subnets[0]?.Gateway ?? ""),
        IPAddress: ip,
        IPPrefixLen: Number(bits),
        IPv6Gateway: "",
        GlobalIPv6Address: "",
        GlobalIPv6PrefixLen: 0,
        DriverOpts: null,
        DNSNames:
          network === undefined || network.predefined ? null : [container.name, ...aliases, container.id.slice(0, 12)]
      }
      return [network?.name ?? key, view]
    })
  )

/** The ports that a running container has opened but not published. */
const unpublishedPorts = (container: MemoryContainer): ReadonlyArray<string> =>
  isRunning(container)
    ? container.settings.exposedPorts.filter((key) => container.ports.every((port) => port.key !== key))
    : []

const portsView = (container: MemoryContainer) => {
  const { ports } = container
  const view: Record<string, Array<{ HostIp: string; HostPort: string }> | null> = {}
  for (const key of unpublishedPorts(container)) view[key] = null
  for (const { hostIp, hostPort, key } of ports) {
    view[key] = [...(view[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }]
  }
  return view
}

const healthView = ({ health }: MemoryContainer) =>
  health === undefined ? {} : { Health: { Status: health, FailingStreak: health === "unhealthy" ? 1 : 0, Log: [] } }

/** The body of `GET /containers/{id}/json`. */
export const containerView = (state: EngineState, container: MemoryContainer) => {
  const { hostConfig, image, run, settings, status } = container
  const [path = "", ...args] = commandLine(container)
  const networks = networksView(state, container)
  const running = isRunning(container)
  const directory = `/var/lib/docker/containers/${container.id}`
  return {
    Id: container.id,
    Created: nanosTimestamp(container.created),
    Path: path,
    Args: args,
    State: {
      Status: status,
      Running: running || status === "restarting",
      Paused: status === "paused",
      Restarting: status === "restarting",
      OOMKilled: false,
      Dead: false,
      Pid: running ? (run?.process.pid ?? 0) : 0,
      ExitCode: container.exitCode,
      Error: container.error,
      StartedAt: timestamp(container.startedAt),
      FinishedAt: timestamp(container.finishedAt),
      ...healthView(container)
    },
    Image: image.id,
    ResolvConfPath: `${directory}/resolv.conf`,
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    LogPath: settings.logDriver === "json-file" ? `${directory}/${container.id}-json.log` : "",
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: "overlay2",
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: null,
    HostConfig: {
      Binds: null,
      CpuShares: 0,
      Memory: 0,
      MemorySwap: 0,
      NanoCpus: 0,
      ...hostConfig,
      AutoRemove: settings.autoRemove,
      LogConfig: { Type: settings.logDriver, Config: settings.logOptions },
      NetworkMode: settings.networkMode,
      RestartPolicy: { Name: container.restart.name, MaximumRetryCount: container.restart.maximumRetryCount }
    },
    Mounts: container.mounts.map(mountView),
    Config: {
      Domainname: "",
      User: image.config.user,
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Volumes: null,
      WorkingDir: image.config.workingDirectory,
      OnBuild: null,
      ...settings.config,
      Hostname: hostname(container),
      Tty: settings.tty,
      OpenStdin: settings.openStdin,
      StdinOnce: settings.stdinOnce,
      Env: settings.env,
      Cmd: settings.command ?? null,
      Entrypoint: settings.entrypoint ?? null,
      Image: settings.image,
      Labels: settings.labels
    },
    NetworkSettings: {
      Bridge: "",
      SandboxID: "",
      Ports: portsView(container),
      IPAddress: networks["bridge"]?.IPAddress ?? "",
      Gateway: networks["bridge"]?.Gateway ?? "",
      IPPrefixLen: networks["bridge"]?.IPPrefixLen ?? 0,
      MacAddress: "",
      Networks: networks
    }
  }
}

const statusText = (container: MemoryContainer, now: bigint): string => {
  const since = (nanos: bigint | undefined) => ageText(now - (nanos ?? now))
  switch (container.status) {
    case "created":
      return "Created"
    case "removing":
      return "Removal In Progress"
    case "exited":
      return `Exited (${container.exitCode}) ${since(container.finishedAt)} ago`
    case "restarting":
      return `Restarting (${container.exitCode}) ${since(container.finishedAt)} ago`
    case "paused":
      return `Up ${since(container.startedAt)} (Paused)`
    case "running": {
      const health = container.health === "starting" ? "health: starting" : container.health
      return `Up ${since(container.startedAt)}${health === undefined ? "" : ` (${health})`}`
    }
  }
}

/** The sizes of a container; the engine omits 0. */
const sizeView = (container: MemoryContainer) => {
  const written = writableLayerSize(container)
  return { ...(written === 0 ? {} : { SizeRw: written }), SizeRootFs: contentSize(container.image) + written }
}

/** An element of the body of `GET /containers/json`. */
export const summaryView = (state: EngineState, container: MemoryContainer, now: bigint, withSize: boolean) => {
  const { image, settings } = container
  return {
    Id: container.id,
    Names: state.containerNames(container).map((name) => `/${name}`),
    Image: settings.image,
    ImageID: image.id,
    Command: commandLine(container)
      .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`))
      .join(" "),
    Created: Number(container.created / 1_000_000_000n),
    Ports: [
      ...container.ports.map(({ hostIp, hostPort, key }) => {
        const [port, type] = key.split("/")
        return { IP: hostIp, PrivatePort: Number(port), PublicPort: hostPort, Type: type }
      }),
      ...unpublishedPorts(container).map((key) => {
        const [port, type] = key.split("/")
        return { PrivatePort: Number(port), Type: type }
      })
    ],
    ...(withSize ? sizeView(container) : {}),
    Labels: settings.labels,
    State: container.status,
    Status: statusText(container, now),
    HostConfig: { NetworkMode: settings.networkMode },
    NetworkSettings: { Networks: networksView(state, container) },
    Mounts: container.mounts.map(mountView)
  }
}
