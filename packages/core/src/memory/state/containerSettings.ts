/** How often, and in which cases, the engine restarts a container. */
export interface RestartPolicy {
  readonly name: string
  readonly maximumRetryCount: number
}

/** A container's own settings on a network. */
export interface EndpointSettings {
  readonly aliases: ReadonlyArray<string>
  /** A static IPv4 address. */
  readonly requestedAddress: string | undefined
}

/** Resource limits; 0 for none. */
export interface ResourceLimits {
  /** Bytes. */
  readonly memory: number
  /** Bytes of memory and swap together; -1 for no limit. */
  readonly memorySwap: number
  /** Billionths of a CPU. */
  readonly nanoCpus: number
}

/** The settings of a create request that the engine acts on, with their defaults filled in. */
export interface ContainerSettings {
  readonly image: string
  readonly command: ReadonlyArray<string> | undefined
  readonly entrypoint: ReadonlyArray<string> | undefined
  readonly env: ReadonlyArray<string>
  /** Ports such as `80/tcp` that are open but not necessarily published. */
  readonly exposedPorts: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
  readonly hostname: string
  readonly tty: boolean
  readonly openStdin: boolean
  readonly stdinOnce: boolean
  readonly stopSignal: string
  /** Seconds. */
  readonly stopTimeout: number
  readonly healthCheck: boolean
  /** Where anonymous volumes are mounted. */
  readonly volumes: ReadonlyArray<string>
  readonly autoRemove: boolean
  readonly binds: ReadonlyArray<string>
  /** Legacy links: the containers that this one reaches, and under which names. */
  readonly links: ReadonlyArray<{ readonly container: string; readonly alias: string }>
  readonly mounts: ReadonlyArray<{
    readonly type: string
    readonly source: string
    readonly target: string
    readonly readOnly: boolean
  }>
  readonly logDriver: string
  readonly logOptions: Readonly<Record<string, string>>
  readonly limits: ResourceLimits
  readonly networkMode: string
  /** Port bindings. `hostIp` and `hostPort` are empty if the engine chooses them. */
  readonly ports: ReadonlyArray<{ readonly key: string; readonly hostIp: string; readonly hostPort: string }>
  readonly restart: RestartPolicy
  /** Where file systems in memory are mounted. */
  readonly tmpfs: ReadonlyArray<string>
  /** By network id or name. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>
  /** `Config` exactly as requested. */
  readonly config: Readonly<Record<string, unknown>>
  /** `HostConfig` exactly as requested. */
  readonly hostConfig: Readonly<Record<string, unknown>>
}
