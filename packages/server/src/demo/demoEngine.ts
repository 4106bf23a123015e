/** The demo: a small shop in an engine in memory, which the server treats like any other engine. */
import type { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { MemoryEngine, type MemoryContainerSpec } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as api from "./api.js"
import * as cache from "./cache.js"
import * as database from "./database.js"
import * as mailer from "./mailer.js"
import { addresses, makeSite } from "./site.js"
import * as web from "./web.js"
import * as worker from "./worker.js"

const project = "shop"

/** Labels of everything in the demo, which identify it in lists. */
const labels = { "dockwire.demo": "true", "com.docker.compose.project": project }

const backNetwork = `${project}_back`
const frontNetwork = `${project}_front`

const container = (
  service: string,
  networks: Readonly<Record<string, string | undefined>>,
  { config, ...spec }: Omit<MemoryContainerSpec, "name">
): MemoryContainerSpec => {
  const endpoints = Object.entries(networks).map(
    ([network, address]) =>
      [
        network,
        { Aliases: [service], ...(address === undefined ? {} : { IPAMConfig: { IPv4Address: address } }) }
      ] as const
  )
  return {
    name: `${project}-${service}-1`,
    labels: { ...labels, "com.docker.compose.service": service, "com.docker.compose.container-number": "1" },
    restart: { policy: "unless-stopped" },
    network: Object.keys(networks)[0] ?? "bridge",
    config: { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) }, ...config },
    ...spec
  }
}

const containers: ReadonlyArray<MemoryContainerSpec> = [
  container(
    "db",
    { [backNetwork]: addresses.database },
    {
      image: database.image,
      command: ["postgres"],
      binds: [`${project}_database:/var/lib/postgresql/data`],
      environment: { POSTGRES_DB: "shop", POSTGRES_USER: "shop" },
      config: { StopSignal: "SIGINT" }
    }
  ),
  container(
    "cache",
    { [backNetwork]: undefined },
    { image: cache.image, command: ["redis-server"], binds: [`${project}_cache:/data`] }
  ),
  container(
    "migrate",
    { [backNetwork]: undefined },
    { image: api.image, command: ["node", "dist/migrate.js"], restart: { policy: "no" } }
  ),
  container(
    "api",
    { [frontNetwork]: addresses.api, [backNetwork]: undefined },
    {
      image: api.image,
      command: ["node", "dist/main.js"],
      environment: { NODE_ENV: "production", PORT: "3000" },
      hostConfig: { Memory: 512 * 1024 ** 2 }
    }
  ),
  container(
    "worker",
    { [backNetwork]: undefined },
    { image: worker.image, command: ["node", "dist/worker.js"], hostConfig: { Memory: 256 * 1024 ** 2 } }
  ),
  container(
    "mailer",
    { [backNetwork]: undefined },
    { image: mailer.image, command: ["./mailer"], restart: { policy: "on-failure" } }
  ),
  container(
    "web",
    { [frontNetwork]: undefined },
    {
      image: web.image,
      command: ["nginx", "-g", "daemon off;"],
      ports: [{ containerPort: 80, hostPort: 8080 }],
      binds: [`${project}_certificates:/etc/nginx/certificates:ro`],
      config: { StopSignal: "SIGQUIT" }
    }
  )
]

/** The engine of the demo. The size of its logs is limited. */
export const demoEngine: Layer.Layer<Docker | MemoryEngine, InvalidRequest> = Layer.unwrapEffect(
  Effect.map(makeSite, (site) =>
    MemoryEngine.layer({
      containers,
      programs: [
        web.web(site),
        api.migration,
        api.api(site),
        worker.worker(site),
        database.database(site),
        cache.cache(site),
        mailer.mailer(site)
      ],
      networks: [
        { name: frontNetwork, labels, subnets: [{ subnet: addresses.front }] },
        { name: backNetwork, labels, internal: true, subnets: [{ subnet: addresses.back }] }
      ],
      volumes: ["database", "cache", "certificates"].map((name) => ({ name: `${project}_${name}`, labels })),
      logOptions: { "max-size": "128k", "max-file": "4" }
    })
  )
)
