import { resolve } from "node:path"

type Environment = Readonly<Record<string, string>>

/** What the commands need of this process's environment. Everything in it is open to the files of a project. */
const inherited = [
  "PATH",
  "HOME",
  "USER",
  "TMPDIR",
  "TZ",
  "LANG",
  "LC_ALL",
  "SSH_AUTH_SOCK",
  "DOCKER_CONFIG",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "FTP_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "ftp_proxy",
  "all_proxy",
  "no_proxy"
]

/** What would make the commands do something else than they are told to. */
const dropped = new Set([
  "DOCKER_HOST",
  "DOCKER_CONTEXT",
  "DOCKER_TLS",
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "DOCKER_API_VERSION",
  "DOCKER_DEFAULT_PLATFORM",
  "DOCKER_BUILDKIT",
  "BUILDX_BUILDER",
  "DOCKER_AUTH_CONFIG",
  "COMPOSE_FILE",
  "COMPOSE_PROJECT_NAME",
  "COMPOSE_PROFILES",
  "COMPOSE_ENV_FILES",
  "COMPOSE_DISABLE_ENV_FILE",
  "COMPOSE_PROGRESS",
  "COMPOSE_PARALLEL_LIMIT",
  "COMPOSE_REMOVE_ORPHANS",
  "COMPOSE_IGNORE_ORPHANS",
  "COMPOSE_COMPATIBILITY",
  "COMPOSE_BAKE",
  "COMPOSE_STATUS_STDOUT"
])

/** What the docker command tells a plugin. Where this process is one itself, it would be taken for the docker command. */
const isForPlugin = (name: string): boolean => /^DOCKER_CLI_PLUGIN_(?:ORIGINAL_CLI_COMMAND|SOCKET)$/.test(name)

/**
 * Compose takes over `COMPOSE_*` from the `.env` of the project unless the environment sets them, so these are set: they change
 * how it prints, fetch files from elsewhere, or make it delete what it was not told to.
 */
const pinned: Environment = {
  COMPOSE_ANSI: "never",
  COMPOSE_MENU: "false",
  COMPOSE_STATUS_STDOUT: "false",
  COMPOSE_EXPERIMENTAL_GIT_REMOTE: "0",
  COMPOSE_EXPERIMENTAL_OCI_REMOTE: "0",
  COMPOSE_PARALLEL_LIMIT: "-1",
  COMPOSE_REMOVE_ORPHANS: "false",
  COMPOSE_IGNORE_ORPHANS: "false",
  COMPOSE_COMPATIBILITY: "false"
}

const pick = (environment: NodeJS.ProcessEnv, isPicked: (name: string) => boolean): Environment =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && isPicked(name) ? [[name, value]] : []
    )
  )

/** The variables for the command that a caller sets. */
export const ownEnvironment = (environment: Environment): Environment => pick(environment, (name) => !isForPlugin(name))

/** The part of this process's environment without which the commands do not work. */
export const baseEnvironment = (environment: NodeJS.ProcessEnv): Environment =>
  Object.fromEntries(
    inherited.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    })
  )

/** The command runs in the folder of the project, which is not to be where a relative path leads. */
const withAbsoluteConfig = (environment: Environment): Environment => {
  const config = environment["DOCKER_CONFIG"]
  return config === undefined || config === "" ? environment : { ...environment, DOCKER_CONFIG: resolve(config) }
}

/** The environment of a compose command: it is built, as every variable is open to the files of the project. */
export const composeEnvironment = (options: {
  /** The environment of this process. */
  readonly process: NodeJS.ProcessEnv
  /** Over that of this process, for every project. */
  readonly own: Environment
  readonly project: { readonly env: Environment; readonly inheritEnv: boolean; readonly directory: string }
  /** How to reach the engine, and the credentials for registries. */
  readonly connection: Environment
}): Environment =>
  withAbsoluteConfig({
    ...(options.project.inheritEnv
      ? pick(options.process, (name) => !dropped.has(name) && !isForPlugin(name))
      : baseEnvironment(options.process)),
    ...options.own,
    PWD: options.project.directory,
    ...pick(
      options.project.env,
      (name) => !/^DOCKER_(?:HOST|CONTEXT|TLS|TLS_VERIFY|CERT_PATH|AUTH_CONFIG)$/.test(name) && !isForPlugin(name)
    ),
    ...pinned,
    ...options.connection
  })
