import { describe, expect, it } from "vitest"
import { type FailureText, failureText } from "../../../packages/core/src/internal/compose/failure/failureTexts.js"

type Row = readonly [words: string, means: Partial<FailureText>, exitCode?: number]

/** What the versions say, those texts among them that take another engine, another user or an accident. */
const rows: ReadonlyArray<Row> = [
  ["open /p/x.yaml: no such file or directory", { reason: "FileNotFound", file: "/p/x.yaml" }],
  ["open /p/x.yaml: permission denied", { reason: "FileNotFound", file: "/p/x.yaml" }],
  ["env file /p/x.env not found: stat /p/x.env: no such file or directory", { reason: "FileNotFound" }],
  ["read /p/x.yaml: is a directory", { reason: "FileNotFound", file: "/p/x.yaml" }],
  ["failed to read /p/x.env: read /p/x.env: is a directory", { reason: "FileNotFound", file: "/p/x.env" }],
  ["no configuration file provided: not found", { reason: "FileNotFound" }],
  ["words that are new", { reason: "FileNotFound" }, 14],
  ["yaml: line 4: did not find expected key", { reason: "FileInvalid", line: 4 }],
  ["failed to parse /p/x.yaml: yaml: line 4: did not find", { reason: "FileInvalid", file: "/p/x.yaml", line: 4 }],
  [
    'failed to parse /p/x.yaml: line 3: mapping key "a" already defined at line 2',
    { reason: "FileInvalid", file: "/p/x.yaml", line: 3 }
  ],
  ["empty compose file", { reason: "FileInvalid" }],
  ["Top-level object must be a mapping", { reason: "FileInvalid" }],
  ["top-level object must be a mapping", { reason: "FileInvalid" }],
  ["yaml: unknown anchor 'y' referenced", { reason: "FileInvalid" }],
  ["dependency cycle detected: a.b -> c -> a.b", { reason: "FileInvalid", service: "a.b" }],
  ["Invalid hostPort: 99999", { reason: "FileInvalid" }],
  ["invalid containerPort: abc", { reason: "FileInvalid" }],
  ["words that are new", { reason: "FileInvalid" }, 15],
  [
    "error while interpolating services.web.image: required variable X is missing a value: set it",
    { reason: "VariableMissing", variable: "X" }
  ],
  ['environment variable "X" required by secret "p_s" is not set', { reason: "VariableMissing", variable: "X" }],
  ['environment variable "X" required by file "p_s" is not set', { reason: "VariableMissing", variable: "X" }],
  ["no such service: x", { reason: "ServiceNotFound", service: "x" }],
  ["dependency failed to start: container p-db-1 is unhealthy", { reason: "DependencyUnhealthy", container: "p-db-1" }],
  [
    `service "init" didn't complete successfully: exit 4`,
    { reason: "DependencyUnhealthy", service: "init", exitCode: 4 }
  ],
  ["container p-db-1 exited (3)", { reason: "Exited", container: "p-db-1", exitCode: 3 }],
  ["container p-db-1 is unhealthy", { reason: "Unhealthy", container: "p-db-1" }],
  ["error getting credentials - err: exit status 1, out: `no such store`", { reason: "CredentialsUnavailable" }],
  [
    "Error response from daemon: pull access denied for a/b, repository does not exist",
    { reason: "Image", image: "a/b" }
  ],
  ["Error response from daemon: manifest for a:1 not found", { reason: "Image", image: "a:1" }],
  ["words that are new", { reason: "Image" }, 18],
  [
    'failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 7',
    { reason: "BuildFailed", exitCode: 7 }
  ],
  ["target web: failed to solve: x", { reason: "BuildFailed", service: "web" }],
  ['unable to prepare context: path "/p/x" not found', { reason: "BuildFailed" }],
  ["words that are new", { reason: "BuildFailed" }, 17],
  [
    "Error response from daemon: driver failed programming external connectivity on endpoint p-a-1 (1): Bind for 0.0.0.0:80 failed: port is already allocated",
    { reason: "PortAllocated", container: "p-a-1" }
  ],
  [
    "Error response from daemon: driver failed programming external connectivity on endpoint p-a-1 (1): Error starting userland proxy: listen tcp4 127.0.0.1:80: bind: address already in use",
    { reason: "PortAllocated", container: "p-a-1" }
  ],
  [
    "Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint p-a-1 (1): failed to bind host port for 127.0.0.1:80:172.18.0.2:80/tcp: address already in use",
    { reason: "PortAllocated", container: "p-a-1" }
  ],
  [
    'Error response from daemon: Conflict. The container name "/x" is already in use by container "1"',
    { reason: "NameConflict", container: "x" }
  ],
  ["network p_x declared as external, but could not be found", { reason: "ExternalMissing" }],
  ['external volume "p_x" not found', { reason: "ExternalMissing" }],
  ["Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", { reason: "EngineUnavailable" }],
  ["unable to get image 'x': Cannot connect to the Docker daemon at unix:///x", { reason: "EngineUnavailable" }],
  [
    'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /p/x',
    { reason: "FileNotFound", file: "/p/x" }
  ],
  ["include cycle detected:\n/p/x.yaml\n include /p/x.yaml", { reason: "FileInvalid", file: "/p/x.yaml" }],
  ["Circular reference:\n  a in /p/x.yaml\n  extends b in /p/y.yaml", { reason: "FileInvalid", service: "a" }],
  ["words that are new", { reason: "Failed" }, 1]
]

describe("what compose says of a failure", () => {
  it.for(rows)("%s", ([words, means, exitCode]) => {
    expect(failureText(words, exitCode)).toMatchObject(means)
  })
})
