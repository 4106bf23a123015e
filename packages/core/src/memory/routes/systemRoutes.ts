import * as Effect from "effect/Effect"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Routes, jsonResponse } from "../calls/response.js"
import { isRunning } from "../containers/startContainer.js"
import { summaryView, writtenBytes } from "../containers/containerView.js"
import { sizeOf } from "../state/fileTree.js"
import { imageSize, imageSummary } from "./imageRoutes.js"
import { errorResponse } from "../state/errorResponse.js"
import { volumeView } from "./volumeRoutes.js"

/** That of the engine after which this one is made. */
export const version = "26.1.5"
/** That of the engine after which this one is made. */
export const apiVersion = "1.45"

/** What the engine's host has, which is none. */
export const hostMemory = 8 * 1024 ** 3

/** What the engine's host has, which is none. */
export const hostCpus = 2

const pingHeaders = { "builder-version": "2", swarm: "inactive" }

const usageTypes = ["container", "image", "volume", "build-cache"]

/** What concerns the engine itself. */
export const systemRoutes: Routes = {
  "GET /_ping": () => Effect.succeed({ ...jsonResponse(200, "OK"), headers: pingHeaders }),
  "HEAD /_ping": () => Effect.succeed({ ...jsonResponse(200), headers: pingHeaders }),
  "GET /system/df": ({ query, state }) =>
    Effect.gen(function* () {
      const type = query.text("type")
      if (type !== undefined && !usageTypes.includes(type)) {
        return yield* errorResponse(400, `unknown object type: ${type}`)
      }
      const now = yield* state.clock.now
      const containers = [...state.containers.values()]
      const shown = <A>(of: string, items: () => A): A | null => (type === undefined || type === of ? items() : null)
      return jsonResponse(200, {
        LayersSize: shown("image", () => state.images.size * imageSize) ?? 0,
        Images: shown("image", () =>
          Array.from(state.images.values(), (image) => ({
            ...imageSummary(image),
            Containers: containers.filter((container) => container.image === image).length,
            SharedSize: 0
          }))
        ),
        Containers: shown("container", () =>
          containers.map((container) => {
            const written = writtenBytes(container)
            const size = { ...(written === 0 ? {} : { SizeRw: written }), SizeRootFs: imageSize + written }
            return { ...summaryView(state, container, now), ...size }
          })
        ),
        Volumes: shown("volume", () =>
          Array.from(state.volumes.values(), (volume) => ({
            ...volumeView(volume),
            UsageData: { RefCount: state.users(volume.name).length, Size: sizeOf(volume.files) }
          }))
        ),
        BuildCache: shown("build-cache", () => [])
      })
    }),
  "GET /version": () =>
    Effect.succeed(
      jsonResponse(200, {
        Platform: { Name: "Dockwire engine in memory" },
        Components: [{ Name: "Engine", Version: version, Details: { ApiVersion: apiVersion } }],
        Version: version,
        ApiVersion: apiVersion,
        MinAPIVersion: "1.24",
        GitCommit: "memory",
        GoVersion: "",
        Os: "linux",
        Arch: "amd64",
        KernelVersion: "memory",
        BuildTime: ""
      })
    ),
  "GET /info": ({ state }) =>
    Effect.map(state.clock.now, (now) => {
      const containers = [...state.containers.values()]
      const paused = containers.filter(({ status }) => status === "paused").length
      const running = containers.filter(isRunning).length - paused
      return jsonResponse(200, {
        ID: state.id,
        Containers: containers.length,
        ContainersRunning: running,
        ContainersPaused: paused,
        ContainersStopped: containers.length - running - paused,
        Images: state.images.size,
        Driver: "overlay2",
        DriverStatus: [],
        Plugins: {
          Volume: ["local"],
          Network: ["bridge", "host", "null"],
          Authorization: null,
          Log: ["json-file", "local", "none"]
        },
        MemoryLimit: true,
        SystemTime: nanosTimestamp(now),
        LoggingDriver: "json-file",
        CgroupDriver: "cgroupfs",
        CgroupVersion: "2",
        KernelVersion: "memory",
        OperatingSystem: "Dockwire engine in memory",
        OSVersion: "",
        OSType: "linux",
        Architecture: "x86_64",
        NCPU: hostCpus,
        MemTotal: hostMemory,
        DockerRootDir: "/var/lib/docker",
        Name: "memory",
        Labels: [],
        ExperimentalBuild: false,
        ServerVersion: version,
        Swarm: { LocalNodeState: "inactive" },
        Warnings: null
      })
    })
}
