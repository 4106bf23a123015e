/**
 * An oxlint plugin with one rule, `dockwire/rooms`: a file imports only what the table below allows its room to import.
 */
import { posix } from "node:path"

/** Public modules of core that internal code may use. */
const corePublic = ["core/src/Docker.ts", "core/src/DockerError.ts", "core/src/LogEvent.ts", "core/src/LogPosition.ts"]

/** Files outside `memory/` that all of it may use. */
const memoryBase = [
  ...corePublic,
  "core/src/internal/api/",
  "core/src/internal/registry/imageReference.ts",
  "core/src/internal/tar/"
]

/** The layers of `memory/`, top down. Each may import the layers after it. */
const memoryLayers = ["routes", "images", "containers", "calls", "state", "programs", "time"].map(
  (name) => `core/src/memory/${name}/`
)

/** The modules of core that load the engine in memory. */
const memoryModules = ["core/src/MemoryCompose.ts", "core/src/MemoryEngine.ts"]

/** The modules of core that other packages may use. Only the demo uses the engine in memory. */
const core = ["core/src/*", "!core/src/index.ts", ...memoryModules.map((module) => `!${module}`)]

/**
 * Each room (a folder, or a file of its own) with what it may import besides its own files. The first room that matches a
 * file is its room.
 *
 * `a/b/` stands for everything in a folder, `a/b/*` for the files directly in it. `type a/b/` allows type-only imports.
 * `!` excludes files that an earlier item allows.
 *
 * @type {ReadonlyArray<readonly [room: string, allowed: ReadonlyArray<string>]>}
 */
const rooms = [
  ["core/src/index.ts", ["core/src/*"]],
  ...memoryModules.map((module) => [
    module,
    ["core/src/*", "core/src/internal/", "core/src/memory/", "!core/src/index.ts"]
  ]),
  ["core/src/*", ["core/src/internal/", "!core/src/index.ts", ...memoryModules.map((module) => `!${module}`)]],
  ["core/src/internal/connection/", corePublic],
  ["core/src/internal/api/", corePublic],
  ...["archive", "containers", "networks", "system", "volumes"].map((name) => [
    `core/src/internal/${name}/`,
    [...corePublic, "core/src/internal/api/"]
  ]),
  ["core/src/internal/exec/", [...corePublic, "core/src/internal/api/", "core/src/internal/logs/"]],
  [
    "core/src/internal/registry/",
    [
      ...corePublic,
      "type core/src/RegistryAuth.ts",
      "core/src/internal/api/",
      "core/src/internal/connection/configFile.ts",
      "core/src/internal/connection/goJson.ts",
      "core/src/internal/host/"
    ]
  ],
  ...["images", "build"].map((name) => [
    `core/src/internal/${name}/`,
    [
      ...corePublic,
      "type core/src/Operation.ts",
      "type core/src/RegistryAuth.ts",
      "core/src/internal/api/",
      "core/src/internal/registry/",
      "core/src/internal/tar/"
    ]
  ]),
  ...["project", "wait", "logs"].map((name) => [
    `core/src/internal/compose/${name}/`,
    [
      ...corePublic,
      "core/src/internal/api/",
      "core/src/internal/compose/project/",
      "core/src/internal/containers/containerModels.ts",
      "core/src/internal/containers/decodeContainer.ts",
      "core/src/internal/logs/",
      "core/src/internal/watch/"
    ]
  ]),
  ["core/src/internal/compose/yaml/", []],
  [
    "core/src/internal/compose/",
    [
      ...corePublic,
      "type core/src/Operation.ts",
      "type core/src/RegistryAuth.ts",
      "core/src/internal/api/",
      "core/src/internal/build/output/",
      "core/src/internal/connection/configFile.ts",
      "core/src/internal/connection/endpoint.ts",
      "core/src/internal/connection/goJson.ts",
      "core/src/internal/host/",
      "core/src/internal/registry/",
      "core/src/internal/tar/"
    ]
  ],
  ["core/src/internal/host/", corePublic],
  ["core/src/internal/tar/", corePublic],
  ["core/src/internal/logs/", [...corePublic, "core/src/internal/api/"]],
  [
    "core/src/internal/watch/",
    [...corePublic, "core/src/internal/api/", "core/src/internal/logs/", "core/src/internal/connection/endpoint.ts"]
  ],
  ["core/src/memory/*", [...memoryBase, ...memoryLayers]],
  [
    "core/src/memory/compose/",
    [
      ...memoryBase,
      "type core/src/*",
      "!core/src/index.ts",
      "type core/src/internal/build/",
      "core/src/internal/build/output/",
      "core/src/internal/compose/",
      "type core/src/internal/containers/"
    ]
  ],
  ...memoryLayers.map((layer, index) => [layer, [...memoryBase, ...memoryLayers.slice(index + 1)]]),

  [
    "server/src/index.ts",
    [
      "server/src/*",
      "server/src/access/",
      "server/src/engine/",
      "server/src/operations/",
      "server/src/rooms/",
      "server/src/stacks/"
    ]
  ],
  [
    "server/src/Server.ts",
    [
      ...core,
      "server/src/*",
      "server/src/access/",
      "server/src/Api/",
      "server/src/engine/",
      "server/src/Http/",
      "server/src/keeping/",
      "server/src/metrics/",
      "server/src/operations/",
      "server/src/rooms/",
      "server/src/socket/",
      "server/src/stacks/",
      "server/src/store/",
      "!server/src/index.ts"
    ]
  ],
  ["server/src/ApiClient.ts", ["server/src/Api/"]],
  ["server/src/chooseEngine.ts", [...core, "server/src/Config.ts", "server/src/demo/"]],
  ["server/src/Config.ts", []],
  ["server/src/EngineStatus.ts", []],
  ["server/src/OperationSummary.ts", core],
  ["server/src/OperationError.ts", []],
  ["server/src/StackError.ts", []],
  ["server/src/StackSummary.ts", core],
  ["server/src/wire/", ["type server/src/EngineStatus.ts"]],
  ["server/src/Wire.ts", ["server/src/wire/", "type server/src/EngineStatus.ts"]],
  [
    "server/src/Api/",
    [
      ...core,
      "server/src/Wire.ts",
      "server/src/EngineStatus.ts",
      "server/src/OperationError.ts",
      "server/src/OperationSummary.ts",
      "server/src/StackError.ts",
      "server/src/StackSummary.ts",
      "server/src/store/LogStoreError.ts",
      "server/src/store/StoredLog.ts"
    ]
  ],
  [
    "server/src/Http/",
    [
      ...core,
      "server/src/Api/",
      "server/src/access/",
      "server/src/engine/",
      "server/src/operations/",
      "server/src/search/",
      "server/src/stacks/",
      "server/src/store/",
      "server/src/StackError.ts",
      "type server/src/OperationSummary.ts"
    ]
  ],
  [
    "server/src/operations/",
    [
      ...core,
      "server/src/rooms/",
      "server/src/Wire.ts",
      "server/src/OperationError.ts",
      "server/src/OperationSummary.ts"
    ]
  ],
  [
    "server/src/stacks/",
    [
      ...core,
      "server/src/operations/",
      "server/src/Wire.ts",
      "type server/src/OperationError.ts",
      "server/src/StackError.ts",
      "type server/src/StackSummary.ts"
    ]
  ],
  ["server/src/rooms/", [...core, "server/src/Wire.ts"]],
  ["server/src/store/", [...core, "server/src/rooms/", "server/src/search/"]],
  [
    "server/src/keeping/",
    [
      ...core,
      "server/src/Config.ts",
      "server/src/engine/",
      "server/src/rooms/",
      "server/src/search/",
      "server/src/store/"
    ]
  ],
  ["server/src/engine/", [...core, "server/src/rooms/", "server/src/Wire.ts"]],
  [
    "server/src/socket/",
    [
      ...core,
      "server/src/access/",
      "server/src/Api/RequiredScope.ts",
      "server/src/engine/",
      "server/src/operations/OperationStore.ts",
      "server/src/rooms/",
      "server/src/store/",
      "server/src/Wire.ts"
    ]
  ],
  ["server/src/search/", core],
  ["server/src/metrics/", ["server/src/engine/", "server/src/rooms/"]],
  ["server/src/access/", [...core, "server/src/Api/RequiredScope.ts", "server/src/Config.ts"]],
  [
    "server/src/command/",
    [
      "server/src/Server.ts",
      "server/src/Config.ts",
      "server/src/Api/RequiredScope.ts",
      "server/src/access/tokens/",
      "server/src/client/",
      "server/src/Wire.ts",
      "type server/src/Api/"
    ]
  ],
  ["server/src/client/", ["server/src/Wire.ts", "type server/src/Api/json/ApiTypes.ts"]],
  [
    "server/src/web/",
    [
      "server/src/client/",
      "server/src/Wire.ts",
      "type server/src/Api/",
      "server/src/search/text/queryTokens.ts",
      "server/src/store/nextNanosecond.ts"
    ]
  ],
  ["server/src/demo/", [...core, ...memoryModules]],

  ["compat/src/", core]
]

const matches = (pattern, file) =>
  pattern.endsWith("/")
    ? file.startsWith(pattern)
    : pattern.endsWith("/*")
      ? posix.dirname(file) === pattern.slice(0, -2)
      : file === pattern

const isAllowed = (allowed, file, isType) => {
  let found = false
  for (const item of allowed) {
    if (item.startsWith("!")) found &&= !matches(item.slice(1), file)
    else if (item.startsWith("type ")) found ||= isType && matches(item.slice("type ".length), file)
    else found ||= matches(item, file)
  }
  return found
}

/** The source files of the entry points that are not named after their file. */
const entryPoints = new Map([
  ["@dockwire/core", "core/src/index.ts"],
  ["@dockwire/compat", "compat/src/index.ts"],
  ["@dockwire/server", "server/src/index.ts"],
  ["@dockwire/server/api", "server/src/ApiClient.ts"],
  ["@dockwire/server/client", "server/src/client/index.ts"],
  ["@dockwire/server/Hub", "server/src/rooms/Hub.ts"]
])

/** The file below `packages/` that is imported, or `undefined` for other packages. */
const target = (file, specifier) => {
  if (specifier.startsWith(".")) {
    return posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts")
  }
  const [, name, path] = /^@dockwire\/([^/]+)\/?(.*)$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  return entryPoints.get(specifier) ?? `${name}/src/${path}.ts`
}

const packageOf = (file) => file.slice(0, file.indexOf("/"))

/** Why the import is not allowed, or `undefined` if it is. */
const objection = (file, specifier, isType) => {
  const imported = target(file, specifier)
  if (imported === undefined) return undefined
  const isOwnPackage = packageOf(imported) === packageOf(file)
  const isByPath = specifier.startsWith(".")
  if (isOwnPackage && !isByPath) return `Import a file of the same package by its path, not as "${specifier}".`
  if (!isOwnPackage && isByPath) return `Import another package by its name, not by the path "${specifier}".`
  const [room, allowed] = rooms.find(([pattern]) => matches(pattern, file)) ?? []
  if (room === undefined) return `${file} belongs to no room. Add its folder to the table in scripts/lint/rooms.mjs.`
  if (isAllowed([room, ...allowed], imported, isType)) return undefined
  const list = allowed.length === 0 ? "nothing outside of it" : allowed.join(", ")
  return `${room} may not import ${imported}. It may import: ${list} (see scripts/lint/rooms.mjs).`
}

/** Whether an import or export statement is erased by the compiler. */
const isTypeOnly = ({ exportKind, importKind, specifiers = [], type }) =>
  type === "TSImportType" ||
  importKind === "type" ||
  exportKind === "type" ||
  (specifiers.length > 0 &&
    specifiers.every((specifier) => specifier.importKind === "type" || specifier.exportKind === "type"))

export default {
  meta: { name: "dockwire" },
  rules: {
    rooms: {
      create: (context) => {
        const path = context.filename.replaceAll("\\", "/")
        const file = path.slice(path.lastIndexOf("/packages/") + "/packages/".length)
        const check = (node) => {
          const source = node.source ?? node.argument
          if (typeof source?.value !== "string") return
          const message = objection(file, source.value, isTypeOnly(node))
          if (message !== undefined) context.report({ node: source, message })
        }
        return {
          ExportAllDeclaration: check,
          ExportNamedDeclaration: check,
          ImportDeclaration: check,
          ImportExpression: check,
          TSImportType: check
        }
      }
    }
  }
}
