import * as Effect from "effect/Effect"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import type { Call, Routes } from "../calls/call.js"
import { jsonResponse } from "../calls/response.js"
import { summaryView } from "../containers/containerView.js"
import { summaryView as imageSummary } from "../images/imageViews.js"
import { apiVersion, engineVersion, hostCpus, hostMemory } from "../state/engineState.js"
import { errorResponse } from "../state/errorResponse.js"
import { directorySize } from "../state/fileTree.js"
import { isRunning } from "../state/memoryContainer.js"
import { volumeView } from "./volumeRoutes.js"

/** Builder 1 is the classic one: there is no BuildKit. */
const pingHeaders = { "builder-version": "1", swarm: "inactive" }

const objectTypes = ["container", "image", "volume", "build-cache"]

const diskUsage = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const type = query.text("type")
    if (type !== undefined && !objectTypes.includes(type)) {
      return yield* errorResponse(400, `unknown object type: ${type}`)
    }
    const now = yield* state.clock.now
    const containers = [...state.containers.values()]
    const select = <A>(objectType: string, items: () => A): A | null =>
      type === undefined || type === objectType ? items() : null
    return jsonResponse(200, {
      LayersSize:
        select("image", () => [...state.images.layerSizes.values()].reduce((sum, size) => sum + size, 0)) ?? 0,
      Images: select("image", () =>
        Array.from(state.images.values(), (image) => ({
          ...imageSummary(image),
          Containers: containers.filter((container) => container.image === image).length,
          SharedSize: 0
        }))
      ),
      Containers: select("container", () => containers.map((container) => summaryView(state, container, now, true))),
      Volumes: select("volume", () =>
        Array.from(state.volumes.values(), (volume) => ({
          ...volumeView(volume),
          UsageData: { RefCount: state.volumeUsers(volume.name).length, Size: directorySize(volume.files) }
        }))
      ),
      BuildCache: select("build-cache", () => [])
    })
  })

const versionView = {
  Platform: { Name: "Dockwire engine in memory" },
  Components: [{ Name: "Engine", Version: engineVersion, Details: { ApiVersion: apiVersion } }],
  Version: engineVersion,
  ApiVersion: apiVersion,
  MinAPIVersion: "1.24",
  GitCommit: "memory",
  GoVersion: "",
  Os: "linux",
  Arch: "amd64",
  KernelVersion: "memory",
  BuildTime: ""
}

const info = ({ state }: Call) =>
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
      ServerVersion: engineVersion,
      Swarm: { LocalNodeState: "inactive" },
      Warnings: null
    })
  })

/** The routes about the engine itself. */
export const systemRoutes: Routes = {
  "GET /_ping": () => Effect.succeed({ ...jsonResponse(200, "OK"), headers: pingHeaders }),
  "HEAD /_ping": () => Effect.succeed({ ...jsonResponse(200), headers: pingHeaders }),
  "GET /system/df": diskUsage,
  "GET /version": () => Effect.succeed(jsonResponse(200, versionView)),
  "GET /info": info
}
