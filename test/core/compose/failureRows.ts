/** A project that fails, and what its failure says. */
export interface FailureRow {
  readonly files: Readonly<Record<string, string>>
  /** Only these services. */
  readonly services?: ReadonlyArray<string>
  readonly build?: boolean
  /** More than the path of the folder. */
  readonly spec?: (folder: string) => object
  /** What the error has, where `{folder}` is the folder and `{name}` the project. */
  readonly error: Readonly<Record<string, unknown>>
}

const file = (text: string) => ({ "compose.yaml": text })
const invalid = { _tag: "ComposeFailed", reason: "FileInvalid", file: "{folder}/compose.yaml" }
const web = "services: { web: { image: busybox } }\n"
const service = (words: string) => `services: { web: { image: busybox, ${words} } }\n`
const inline = (run: string) => `build: { context: ., dockerfile_inline: "FROM busybox\\nRUN ${run}\\n" }`

/** Failures that compose finds in the files. */
export const fileRows: Readonly<Record<string, FailureRow>> = {
  "a line with wrong indentation": {
    files: file("services:\n  web:\n    image: busybox\n   ports: []\n"),
    error: { ...invalid, line: 4, column: 1 }
  },
  "a list at the top": { files: file("- a\n"), error: { ...invalid, line: 1, column: 1 } },
  "an empty file": { files: file(""), error: invalid },
  "a property that is not known": {
    files: file(service("x: 1")),
    error: { ...invalid, service: "web", line: 1, column: 36 }
  },
  "a property of another type": {
    files: file(service("ports: 80")),
    error: { ...invalid, service: "web", line: 1, column: 36 }
  },
  "a cycle": {
    files: file("services: { a: { image: busybox, depends_on: [b] }, b: { image: busybox, depends_on: [a] } }\n"),
    error: { ...invalid, service: "a", line: 1, column: 13 }
  },
  "an anchor that is not there": { files: file("services: { web: *y }\n"), error: { ...invalid, line: 1, column: 18 } },
  "a service that is there twice": {
    files: file("services:\n  a: { image: busybox }\n  a: { image: busybox }\n"),
    error: { ...invalid, line: 3 }
  },
  "an interpolation that does not end": {
    files: file('services: { web: { image: "busybox${" } }\n'),
    error: { ...invalid, service: "web", line: 1, column: 20 }
  },
  "a dependency that is not there": {
    files: file(service("depends_on: [nope]")),
    error: { ...invalid, service: "web", line: 1, column: 13 }
  },
  "a volume that is not declared": {
    files: file(service('volumes: ["zzz:/x"]')),
    error: { ...invalid, service: "web" }
  },
  "a service without an image": {
    files: file("services: { web: { command: x } }\n"),
    error: { ...invalid, service: "web", line: 1, column: 13 }
  },
  "a port that is none": {
    files: file('services:\n  db: { image: busybox }\n  web:\n    image: busybox\n    ports:\n      - "99999:80"\n'),
    error: { ...invalid, service: "web", line: 6, column: 9 }
  },
  "a protocol that is none": {
    files: file(service('ports: ["80:80/xyz"]')),
    error: { ...invalid, service: "web", line: 1, column: 44 }
  },
  "a service whose name has a dot": {
    files: file("services:\n  my:\n    image: busybox\n  my.web:\n    image: busybox\n    ports: 80\n"),
    error: { ...invalid, service: "my.web", line: 6, column: 5 }
  },
  "a service whose name is one of every object": {
    files: file("services:\n  __proto__:\n    image: busybox\n    x: 1\n"),
    error: { ...invalid, service: "__proto__", line: 4, column: 5 }
  },
  "a service whose name is none": {
    files: file("services:\n  a b: { image: busybox }\n"),
    error: { ...invalid, line: 2, column: 3 }
  },
  "a service whose name is a number": {
    files: file("services:\n  web: { image: busybox }\n  1: { image: busybox }\n"),
    error: { ...invalid, line: 3, column: 3 }
  },
  "services that are nothing": { files: file("name: x\nservices:\n"), error: { ...invalid, line: 2, column: 1 } },
  "a section that is not known": { files: file(`${web}foo: 1\n`), error: { ...invalid, line: 2, column: 1 } },
  "a name that is a number": { files: file(`${web}name: 123\n`), error: { ...invalid, line: 2, column: 1 } },
  "a size that is none": {
    files: file(service("mem_limit: abc")),
    error: { ...invalid, service: "web", line: 1, column: 36 }
  },
  "a property that is not known and is merged": {
    files: file("x-a: &a\n  image: busybox\n  nope: 1\nservices:\n  web:\n    <<: *a\n"),
    error: { ...invalid, service: "web", line: 3, column: 3 }
  },
  "a property that is not known, with another way to end lines": {
    files: file("\uFEFFservices:\r\n  web:\r\n    image: busybox\r\n    x: 1\r\n"),
    error: { ...invalid, service: "web", line: 4, column: 5 }
  },
  "a tab": { files: file("services:\n\tweb: {}\n"), error: { ...invalid, line: 2, column: 1 } },
  "an override with a property that is not known": {
    files: { ...file(web), "docker-compose.override.yml": "services:\n  web:\n    x: 1\n" },
    error: { ...invalid, file: "{folder}/docker-compose.override.yml", service: "web", line: 3, column: 5 }
  },
  "the second of two files with a property of another type": {
    files: { "a.yaml": web, "b.yaml": "services:\n  web:\n    ports: x\n" },
    spec: (folder) => ({ files: [`${folder}/a.yaml`, `${folder}/b.yaml`] }),
    error: { ...invalid, file: "{folder}/b.yaml", service: "web", line: 3, column: 5 }
  },
  "an include with wrong indentation": {
    files: {
      ...file(`include: [{ path: sub/x.yaml }]\n${web}`),
      "sub/x.yaml": "services:\n  db:\n    image: busybox\n   ports: []\n"
    },
    error: { ...invalid, file: "{folder}/sub/x.yaml", line: 4, column: 1 }
  },
  "a base with wrong indentation": {
    files: {
      ...file(service("extends: { file: x.yaml, service: db }")),
      "x.yaml": "services:\n  db:\n    image: busybox\n   ports: []\n"
    },
    error: { ...invalid, file: "{folder}/x.yaml", line: 4, column: 1 }
  },
  "a file that includes itself": { files: file(`include: [compose.yaml]\n${web}`), error: invalid },
  "services that extend each other": {
    files: file("services: { a: { extends: { service: b } }, b: { extends: { service: a } } }\n"),
    error: { ...invalid, line: 1 }
  },
  "an include of another server": {
    files: file(`include: ["https://127.0.0.1:1/x.git"]\n${web}`),
    error: { _tag: "ComposeFailed", reason: "FileInvalid" }
  },
  "a name that is not one of a project": {
    files: file(web),
    spec: (directory) => ({ directory, name: "My Shop" }),
    error: { _tag: "ComposeFailed", reason: "FileInvalid" }
  },
  "a service that extends nothing": {
    files: file(service("extends: { service: nope }")),
    error: { ...invalid, service: "web" }
  },
  "a variable that is required": {
    files: file('services: { web: { image: "${IMG:?set it}" } }\n'),
    error: { ...invalid, reason: "VariableMissing", variable: "IMG", service: "web", line: 1, column: 20 }
  },
  "a file of variables that is a folder": {
    files: { ...file(service("env_file: sub")), "sub/x": "" },
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/sub" }
  },
  "a file of variables of a service that does not parse": {
    files: { ...file(service("env_file: bad.env")), "bad.env": "A!B=1\n" },
    error: { _tag: "ComposeFailed", reason: "FileInvalid" }
  },
  "a value with a null character": {
    files: file(web),
    spec: (directory) => ({ directory, env: { A: "a\0" } }),
    error: { _tag: "ComposeFailed", reason: "Failed" }
  },
  "a value that is too long": {
    files: file(web),
    spec: (directory) => ({ directory, env: { A: "a".repeat(200_000) } }),
    error: { _tag: "ComposeFailed", reason: "Failed" }
  },
  "a file of variables that is missing": {
    files: file(service("env_file: nope.env")),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope.env" }
  },
  "a file of variables for the files that is missing": {
    files: file(web),
    spec: (directory) => ({ directory, envFiles: [`${directory}/nope.env`] }),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope.env" }
  },
  "an include that is missing": {
    files: file(`include: [nope.yaml]\n${web}`),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope.yaml" }
  },
  "a base that is missing": {
    files: file(service("extends: { file: nope.yaml, service: x }")),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope.yaml" }
  },
  "a file that is missing": {
    files: file(web),
    spec: (folder) => ({ files: [`${folder}/nope.yaml`] }),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope.yaml" }
  },
  "a file that is a folder": {
    files: { ...file(web), "sub/x": "" },
    spec: (folder) => ({ files: [`${folder}/sub`] }),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/sub" }
  },
  "a folder without a file": {
    files: { x: "" },
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/compose.yaml" }
  },
  "a .env that does not parse": {
    files: { ...file(web), ".env": "A!B=1\n" },
    error: { _tag: "ComposeFailed", reason: "FileInvalid", file: "{folder}/.env", line: 1 }
  },
  "a service that is not there": {
    files: file(web),
    services: ["nope"],
    error: { _tag: "ComposeFailed", reason: "ServiceNotFound", service: "nope" }
  },
  "a service without a name": {
    files: file(web),
    services: [""],
    error: { _tag: "ComposeFailed", reason: "ServiceNotFound" }
  },
  "a service whose name looks like an option": {
    files: file(web),
    services: ["--help"],
    error: { _tag: "ComposeFailed", reason: "ServiceNotFound", service: "--help" }
  }
}

/** Failures that the engine has a part in. `{port}` is a port that is in use, `{taken}` a container, `{host}` a registry. */
export const engineRows: Readonly<Record<string, FailureRow>> = {
  "an image that the registry does not have": {
    files: file('services: { db: { image: "{host}/nope:1" } }\n'),
    error: { _tag: "ImageNotFound", image: "{host}/nope:1", registry: "{host}" }
  },
  "a registry that cannot be reached": {
    files: file('services: { db: { image: "127.0.0.1:1/nope:1" } }\n'),
    error: { _tag: "RegistryError", image: "127.0.0.1:1/nope:1", reason: "Unreachable" }
  },
  "a reference that is not valid": {
    files: file('services: { web: { image: "Busy Box" } }\n'),
    error: { _tag: "ComposeFailed", reason: "FileInvalid", service: "web" }
  },
  "a build that fails": {
    files: file(`services: { one: { ${inline("sleep 20")} }, two: { ${inline("echo bad {now}; exit 3")} } }\n`),
    error: { _tag: "ComposeFailed", reason: "BuildFailed", service: "two", exitCode: 3 }
  },
  "a build of one service that fails": {
    files: file(`services: { web: { image: busybox }, one: { ${inline("echo bad {now}; exit 4")} } }\n`),
    error: { _tag: "ComposeFailed", reason: "BuildFailed", service: "one", exitCode: 4 }
  },
  "a build without its context": {
    files: file("services: { one: { build: ./nowhere } }\n"),
    error: { _tag: "ComposeFailed", reason: "BuildFailed", service: "one" }
  },
  "a base image that the registry does not have": {
    files: file('services: { one: { build: { context: ., dockerfile_inline: "FROM {host}/base:1\\n" } } }\n'),
    error: { _tag: "ImageNotFound", image: "{host}/base:1", registry: "{host}" }
  },
  "a port that is in use": {
    files: file(
      'services: { one: { image: busybox, command: sleep 600, stop_grace_period: 0s, ports: ["127.0.0.1:{port}:80"] } }\n'
    ),
    error: { _tag: "PortAllocated", containerId: "{name}-one-1", address: "127.0.0.1:{port}" }
  },
  "a dependency that is unhealthy": {
    files: file(`services:
  web: { image: busybox, command: sleep 600, stop_grace_period: 0s, depends_on: { db: { condition: service_healthy } } }
  db: { image: busybox, command: sleep 600, stop_grace_period: 0s, healthcheck: { test: "false", interval: 200ms, retries: 1 } }
`),
    error: { _tag: "ComposeFailed", reason: "DependencyUnhealthy", service: "db" }
  },
  "a dependency that fails": {
    files: file(`services:
  web: { image: busybox, command: sleep 600, depends_on: { init: { condition: service_completed_successfully } } }
  init: { image: busybox, command: "sh -c 'exit 4'" }
`),
    error: { _tag: "ComposeFailed", reason: "DependencyUnhealthy", service: "init", exitCode: 4 }
  },
  "a dependency that ends": {
    files: file(`services:
  web: { image: busybox, command: sleep 600, depends_on: { db: { condition: service_healthy } } }
  db: { image: busybox, command: "sh -c 'exit 3'", healthcheck: { test: "false", interval: 2s, retries: 5 } }
`),
    error: { _tag: "ComposeFailed", reason: "DependencyUnhealthy", service: "db", exitCode: 3 }
  },
  "a container name that is in use": {
    files: file("services: { one: { image: busybox, container_name: {taken} } }\n"),
    error: { _tag: "ComposeFailed", reason: "NameConflict", service: "one" }
  },
  "an external network that is missing": {
    files: file(`${service("networks: [x]")}networks: { x: { external: true, name: {name}-nope } }\n`),
    error: { _tag: "ComposeFailed", reason: "ExternalMissing" }
  },
  "an external volume that is missing": {
    files: file(`${service('volumes: ["data:/x"]')}volumes: { data: { external: true, name: {name}-nope } }\n`),
    error: { _tag: "ComposeFailed", reason: "ExternalMissing" }
  },
  "a folder to mount that is not to be made": {
    files: file(service("volumes: [{ type: bind, source: ./nope, target: /x, bind: { create_host_path: false } }]")),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope", service: "web" }
  },
  "a file to mount that is missing": {
    files: file(`${service("secrets: [s]")}secrets: { s: { file: ./nope.txt } }\n`),
    error: { _tag: "ComposeFailed", reason: "FileNotFound", file: "{folder}/nope.txt", service: "web" }
  },
  "a command that does not exist": {
    files: file("services: { db: { image: busybox, command: 'true' }, web: { image: busybox, command: /nope } }\n"),
    error: { _tag: "ComposeFailed", reason: "Failed", service: "web" }
  },
  "a secret whose variable is missing": {
    files: file(`${service("secrets: [s]")}secrets: { s: { environment: NOPE_VAR } }\n`),
    error: { _tag: "ComposeFailed", reason: "VariableMissing", variable: "NOPE_VAR" }
  }
}
