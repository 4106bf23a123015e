import * as Effect from "effect/Effect"
import { nanosTimestamp } from "../logTime.js"
import { type Routes, whole } from "./answers.js"
import { isRunning } from "./containerLife.js"

/** That of the engine after which this one is made. */
export const version = "26.1.5"
/** That of the engine after which this one is made. */
export const apiVersion = "1.45"

/** What the engine's host has, which is none. */
export const hostMemory = 8 * 1024 ** 3

/** What the engine's host has, which is none. */
export const hostProcessors = 2

const ping = () => Effect.succeed(whole(200, "OK"))

/** What concerns the engine itself. */
export const systemRoutes: Routes = {
  "GET /_ping": ping,
  "HEAD /_ping": () => Effect.succeed(whole(200)),
  "GET /version": () =>
    Effect.succeed(
      whole(200, {
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
      return whole(200, {
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
        NCPU: hostProcessors,
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
