/** A room of a package: a file that lies in it, and the rooms that it may import. */
export interface Room {
  readonly file: string
  readonly mayImport: ReadonlyArray<string>
}

const fourPublic = ["Docker", "DockerError", "LogEvent", "LogPosition"]
/** Rooms that hold the pieces of one service. */
const servicePieces = ["internal/containers", "internal/networks", "internal/system", "internal/volumes"]
/** Modules that load the engine in memory. */
const memoryModules = ["MemoryCompose", "MemoryEngine"]
const outsideOfMemory = [...fourPublic, "internal/api", "internal/tar"]

/** The rooms of core as its design names them. */
export const coreRooms: Readonly<Record<string, Room>> = {
  index: { file: "index", mayImport: [...fourPublic, "Logs", "Volumes", ...memoryModules] },
  ...Object.fromEntries(
    memoryModules.map((name) => [
      name,
      {
        file: name,
        mayImport: [
          ...memoryModules,
          ...outsideOfMemory,
          "Logs",
          "Volumes",
          "internal/connection",
          "internal/connection/endpoint",
          ...servicePieces,
          "internal/compose/yaml",
          "internal/exec",
          "internal/host",
          "internal/logs",
          "internal/watch",
          "memory",
          "memory/compose",
          "memory/routes",
          "memory/containers",
          "memory/calls",
          "memory/state",
          "memory/programs",
          "memory/time"
        ]
      }
    ])
  ),
  ...Object.fromEntries(
    [...fourPublic, "Logs", "Volumes"].map((name, _, all) => [
      name,
      {
        file: name,
        mayImport: [
          ...all,
          "internal/connection",
          "internal/connection/endpoint",
          "internal/api",
          ...servicePieces,
          "internal/compose/yaml",
          "internal/exec",
          "internal/host",
          "internal/logs",
          "internal/tar",
          "internal/watch"
        ]
      }
    ])
  ),
  "internal/connection": { file: "internal/connection/a", mayImport: [...fourPublic, "internal/connection/endpoint"] },
  "internal/connection/endpoint": {
    file: "internal/connection/endpoint",
    mayImport: [...fourPublic, "internal/connection"]
  },
  "internal/api": { file: "internal/api/a", mayImport: fourPublic },
  ...Object.fromEntries(
    servicePieces.map((room) => [room, { file: `${room}/a`, mayImport: [...fourPublic, "internal/api"] }])
  ),
  "internal/exec": { file: "internal/exec/a", mayImport: [...fourPublic, "internal/api", "internal/logs"] },
  "internal/compose/yaml": { file: "internal/compose/yaml/a", mayImport: [] },
  "internal/host": { file: "internal/host/a", mayImport: fourPublic },
  "internal/logs": { file: "internal/logs/a", mayImport: [...fourPublic, "internal/api"] },
  "internal/tar": { file: "internal/tar/a", mayImport: fourPublic },
  "internal/watch": {
    file: "internal/watch/a",
    mayImport: [...fourPublic, "internal/api", "internal/connection/endpoint", "internal/logs"]
  },
  memory: {
    file: "memory/a",
    mayImport: [
      ...outsideOfMemory,
      "memory/routes",
      "memory/containers",
      "memory/calls",
      "memory/state",
      "memory/programs",
      "memory/time"
    ]
  },
  "memory/compose": { file: "memory/compose/a", mayImport: [...outsideOfMemory, "internal/compose/yaml"] },
  "memory/routes": {
    file: "memory/routes/a",
    mayImport: [
      ...outsideOfMemory,
      "memory/containers",
      "memory/calls",
      "memory/state",
      "memory/programs",
      "memory/time"
    ]
  },
  "memory/containers": {
    file: "memory/containers/a",
    mayImport: [...outsideOfMemory, "memory/calls", "memory/state", "memory/programs", "memory/time"]
  },
  "memory/calls": {
    file: "memory/calls/a",
    mayImport: [...outsideOfMemory, "memory/state", "memory/programs", "memory/time"]
  },
  "memory/state": { file: "memory/state/a", mayImport: [...outsideOfMemory, "memory/programs", "memory/time"] },
  "memory/programs": { file: "memory/programs/a", mayImport: [...outsideOfMemory, "memory/time"] },
  "memory/time": { file: "memory/time/a", mayImport: outsideOfMemory }
}

/** The rooms of the server as its design names them. */
export const serverRooms: Readonly<Record<string, Room>> = {
  index: { file: "index", mayImport: ["Server", "Config", "Wire", "chooseEngine", "access", "engine", "rooms"] },
  Server: {
    file: "Server",
    mayImport: ["Config", "Wire", "chooseEngine", "access", "Api", "engine", "Http", "metrics", "rooms", "socket"]
  },
  chooseEngine: { file: "chooseEngine", mayImport: ["Config", "demo"] },
  Config: { file: "Config", mayImport: [] },
  Wire: { file: "Wire", mayImport: [] },
  access: { file: "access/a", mayImport: ["Config"] },
  Api: { file: "Api/a", mayImport: ["Wire"] },
  client: { file: "client/a", mayImport: ["Wire"] },
  command: { file: "command/a", mayImport: ["client", "Config", "Server", "Wire"] },
  demo: { file: "demo/a", mayImport: [] },
  engine: { file: "engine/a", mayImport: ["rooms", "Wire"] },
  Http: { file: "Http/a", mayImport: ["access", "Api", "engine", "search"] },
  metrics: { file: "metrics/a", mayImport: ["engine", "rooms"] },
  rooms: { file: "rooms/a", mayImport: ["Wire"] },
  search: { file: "search/a", mayImport: [] },
  socket: { file: "socket/a", mayImport: ["access", "engine", "rooms", "Wire"] },
  web: { file: "web/a", mayImport: ["client", "Wire"] }
}
