import { defaultRegistry } from "./imageReference.js"

/** The name of Docker Hub in the configuration of the docker command, and to its credential helpers. */
const hubKey = "https://index.docker.io/v1/"

/** Whether this is Docker Hub. */
const isHub = (registry: string): boolean =>
  registry === defaultRegistry || registry === "index.docker.io" || registry === hubKey

/** The name of a registry, given as host and port, in the configuration of the docker command. */
export const registryKey = (registry: string): string => (isHub(registry) ? hubKey : registry)

/** The registry as image references name it. */
export const canonicalRegistry = (registry: string): string => (isHub(registry) ? defaultRegistry : registry)
