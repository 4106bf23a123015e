/** The flags of `dockwire serve`: what the parser and the help both need to know. Loads nothing, so that help is quick. */

/** A flag. */
export interface ServeFlag {
  readonly name: string
  /** What the help shows for its value; absent if it takes none. */
  readonly value?: string
  readonly repeated?: true
  readonly description: string
  readonly variable: string
}

/** All flags, in the order in which the help lists them. */
export const serveFlags = {
  host: {
    name: "host",
    value: "address",
    description: "Address to listen on. Default: 127.0.0.1.",
    variable: "DOCKWIRE_HOST"
  },
  port: {
    name: "port",
    value: "port",
    description: "Port to listen on; 0 picks a free port. Default: 7070.",
    variable: "DOCKWIRE_PORT"
  },
  token: {
    name: "token",
    value: "token",
    description:
      "Token that browsers and scripts must present. Default: generated on first start and kept in the data directory. Prefer the environment variable, because other users of this machine can see flags.",
    variable: "DOCKWIRE_TOKEN"
  },
  dockerHost: {
    name: "docker-host",
    value: "url",
    description:
      "Docker engine to connect to: unix:///path, tcp://host:port or ssh://user@host. Default: the engine that the docker CLI uses.",
    variable: "DOCKWIRE_DOCKER_HOST"
  },
  engine: {
    name: "engine",
    value: "docker|auto|memory",
    description:
      "docker: a Docker engine; if it is down, Dockwire waits for it. memory: a demo whose containers are not real. auto: docker, or memory if no engine is configured and there is no Docker socket when Dockwire starts. Default: docker.",
    variable: "DOCKWIRE_ENGINE"
  },
  dataDir: {
    name: "data-dir",
    value: "directory",
    description: "Directory for Dockwire's own files. Default: $XDG_DATA_HOME/dockwire, or ~/.local/share/dockwire.",
    variable: "DOCKWIRE_DATA_DIR"
  },
  publicOrigin: {
    name: "public-origin",
    value: "origin",
    repeated: true,
    description:
      "Address under which a proxy serves Dockwire, such as https://logs.example.com. Can be repeated; in the variable, separate several with commas.",
    variable: "DOCKWIRE_PUBLIC_ORIGIN"
  },
  basePath: {
    name: "base-path",
    value: "path",
    description:
      "Folder of that address in which the proxy serves Dockwire, such as /dockwire. The proxy may take it off the addresses of requests, or leave it.",
    variable: "DOCKWIRE_BASE_PATH"
  },
  tokensFile: {
    name: "tokens-file",
    value: "file",
    description:
      'File with further tokens, each with scopes of its own; "dockwire token" writes it. Read again when it changes. Default: tokens in the data directory, if it exists.',
    variable: "DOCKWIRE_TOKENS_FILE"
  },
  readOnly: {
    name: "read-only",
    description: "Refuse everything that is not reading, whatever the token, also at the door to the engine.",
    variable: "DOCKWIRE_READ_ONLY"
  },
  enableExec: {
    name: "enable-exec",
    description: "Let those whose token has the scope exec run commands in containers.",
    variable: "DOCKWIRE_ENABLE_EXEC"
  },
  stacksDir: {
    name: "stacks-dir",
    value: "directory",
    repeated: true,
    description:
      "Directory whose compose files may be added as stacks by their path. Can be repeated; in the variable, separate several with commas. Default: none.",
    variable: "DOCKWIRE_STACKS_DIR"
  },
  stacksAnyAddress: {
    name: "stacks-any-address",
    description:
      "Let the compose files of stacks be downloaded from any address, not only from public ones. Whoever may operate can then reach what this machine can.",
    variable: "DOCKWIRE_STACKS_ANY_ADDRESS"
  },
  historyDays: {
    name: "history-days",
    value: "days",
    description: "How long operations are kept after their end. Default: 30.",
    variable: "DOCKWIRE_HISTORY_DAYS"
  },
  historyOperations: {
    name: "history-operations",
    value: "count",
    description: "How many operations are kept, the oldest deleted first. Default: 10000.",
    variable: "DOCKWIRE_HISTORY_OPERATIONS"
  },
  historyMegabytes: {
    name: "history-megabytes",
    value: "size",
    description: "How much of their output is kept, the oldest operations deleted first. Default: 1024.",
    variable: "DOCKWIRE_HISTORY_MEGABYTES"
  },
  keepLogs: {
    name: "keep-logs",
    value: "pattern|off",
    repeated: true,
    description:
      "Whose logs are kept after the container is gone, and searched: names of containers or of services, such as web, shop/* or shop/db. Can be repeated; in the variable, separate several with commas. off keeps none. Default: all.",
    variable: "DOCKWIRE_KEEP_LOGS"
  },
  keepLogsDays: {
    name: "keep-logs-days",
    value: "days",
    description: "How long container logs are kept. Default: 30.",
    variable: "DOCKWIRE_KEEP_LOGS_DAYS"
  },
  keepLogsMegabytes: {
    name: "keep-logs-megabytes",
    value: "size",
    description: "How much of all container logs is kept, the oldest lines deleted first. Default: 1024.",
    variable: "DOCKWIRE_KEEP_LOGS_MEGABYTES"
  },
  keepLogsSourceMegabytes: {
    name: "keep-logs-source-megabytes",
    value: "size",
    description: "How much of the log of one service or container is kept. Default: 50.",
    variable: "DOCKWIRE_KEEP_LOGS_SOURCE_MEGABYTES"
  },
  redact: {
    name: "redact",
    value: "expression",
    repeated: true,
    description:
      "Regular expression of secrets, such as password=\\S+: what it matches is replaced by [redacted] before a line is kept. Live logs are shown as they are. Can be repeated; in the variable, write one per line.",
    variable: "DOCKWIRE_REDACT"
  },
  insecure: {
    name: "insecure",
    description: "Let other machines connect even though the token is a generated one.",
    variable: "DOCKWIRE_INSECURE"
  }
} as const satisfies Readonly<Record<string, ServeFlag>>
