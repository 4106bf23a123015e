import { Containers, Images, type MemoryComposeProject, Networks } from "@dockwire/core"
import { Effect, type Scope } from "effect"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { busyboxImage } from "../engine/busyboxImage.js"
import { testProjectName } from "../engine/testRun.js"

/** A project that a cell works on, in a folder of its own. */
export interface BenchProject {
  readonly name: string
  readonly directory: string
}

/** The projects, as their compose files and for compose in memory. */
interface ProjectKind {
  readonly file: (name: string) => unknown
  readonly memory: MemoryComposeProject
}

const sleeping = { image: busyboxImage, command: ["sleep", "600"] }
/** It starts and stops fast. */
const alone = { ...sleeping, stop_grace_period: "0s", network_mode: "none" }
const alonePlain = { ...sleeping, network: "none" }

export const projectKinds = {
  /** One service, without a network. */
  alone: { file: () => ({ services: { web: alone } }), memory: { services: { web: alonePlain } } },
  /** Two services, one after the other, in the network of the project. */
  pair: {
    file: () => ({
      services: {
        web: { ...sleeping, stop_grace_period: "0s", depends_on: ["db"], environment: { WORD: "said" } },
        db: { ...sleeping, stop_grace_period: "0s" }
      }
    }),
    memory: {
      services: { web: { ...sleeping, dependsOn: ["db"], environment: { WORD: "said" } }, db: sleeping }
    }
  },
  /** Its container has a name that may be taken. */
  named: {
    file: (name) => ({ services: { web: { ...alone, container_name: `${name}-taken` } } }),
    memory: { services: { web: { ...alonePlain, containerName: "named-taken" } } }
  },
  /** Its image is nowhere. */
  nowhere: {
    file: () => ({ services: { web: { ...alone, image: "127.0.0.1:1/nothing:1" } } }),
    memory: { services: { web: { ...alonePlain, image: "127.0.0.1:1/nothing:1" } } }
  },
  /** Its image is built. */
  built: {
    file: () => ({
      services: { web: { ...alone, image: undefined, build: { dockerfile_inline: "FROM busybox\nENV WORD=said" } } }
    }),
    memory: {
      services: {
        web: {
          network: "none",
          command: ["sleep", "600"],
          build: { dockerfile: { text: "FROM busybox\nENV WORD=said" } }
        }
      }
    }
  },
  /** No compose file has that. */
  invalid: {
    file: () => ({ services: { web: { ...alone, nonsense: true } } }),
    memory: { services: { web: alonePlain } }
  }
} as const satisfies Record<string, ProjectKind>

/** The name of a kind of project. */
export type ProjectName = keyof typeof projectKinds

/** Removes what the engine has of a project. */
const removed = (name: string): Effect.Effect<void, never, Containers | Images | Networks> =>
  Effect.gen(function* () {
    const filters = { label: [`com.docker.compose.project=${name}`] }
    const [containers, networks, images] = [yield* Containers, yield* Networks, yield* Images]
    for (const { id } of yield* containers.list({ all: true, filters })) {
      yield* Effect.ignore(containers.remove(id, { force: true, volumes: true }))
    }
    for (const { id } of yield* networks.list({ filters })) yield* Effect.ignore(networks.remove(id))
    yield* Effect.ignore(images.remove(`${name}-web`, { force: true }))
  }).pipe(Effect.ignore)

/** Writes the files of a project, which is removed from the engine with the scope. */
export const realProject = (
  kind: ProjectName
): Effect.Effect<BenchProject, never, Containers | Images | Networks | Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "dockwire-conformance-"))
      const name = testProjectName(`${kind}-${folder.slice(-6).toLowerCase()}`)
      const directory = join(folder, name)
      await mkdir(directory)
      await writeFile(join(directory, "compose.yaml"), JSON.stringify(projectKinds[kind].file(name)))
      return { folder, name, directory }
    }),
    ({ folder, name }) =>
      Effect.zipRight(
        removed(name),
        Effect.promise(() => rm(folder, { recursive: true, force: true }))
      )
  )

/** The same project in memory. */
export const memoryProject = (kind: ProjectName): BenchProject => ({ name: kind, directory: `/projects/${kind}` })

/** The projects in memory. */
export const memoryProjects = Object.fromEntries(
  Object.entries(projectKinds).map(([kind, { memory }]): [string, MemoryComposeProject] => [kind, memory])
)
