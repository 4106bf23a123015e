import { describe, expect, it } from "vitest"
import { registryFailure } from "../../../packages/core/src/internal/registry/registryFailure.js"

const task = { image: "r.test/a:1", registry: "r.test", credentials: "none" }

const denied = (words: string) =>
  `pull access denied for r.test/a, repository does not exist or may require 'docker login': denied: ${words}`
const resolving = (words: string) => `failed to resolve reference "r.test/a:1": ${words}`
const head = (status: string) =>
  `unknown: ${resolving(`unexpected status from HEAD request to https://r.test/v2/a/manifests/1: ${status}`)}`
const buildKit = (words: string) => `r.test/a:1: failed to resolve source metadata for r.test/a:1: ${words}`
const initializing = (words: string) => `initializing source docker://r.test/a:1: ${words}`
const reading = (words: string) => initializing(`reading manifest 1 in r.test/a: ${words}`)
/** What Docker 20.10 says of an answer that is a page. */
const page = (status: number, text: string) =>
  `error parsing HTTP ${status} response body: invalid character '<' looking for beginning of value: "<html><body><h1>${text}</h1></body></html>"`

/** Messages by meaning, with the status if the engine sends one. Those of engine 29 are from its source. */
const table: Readonly<Record<string, ReadonlyArray<string | readonly [detail: string, status: number]>>> = {
  ImageNotFound: [
    ["manifest for r.test/a:1 not found: manifest unknown: manifest unknown", 404],
    ["manifest unknown", 500],
    ["name unknown", 500],
    "name unknown: repository name not known to registry",
    [resolving("r.test/a:1: not found"), 404],
    buildKit("r.test/a:1: not found"),
    "failed to solve with frontend dockerfile.v0: failed to create LLB definition: r.test/a:1: not found",
    reading("manifest unknown"),
    reading("manifest unknown: manifest unknown"),
    "unexpected status from POST request to https://r.test/v2/a/blobs/uploads/: 404 Not Found",
    [page(404, "Not Found"), 500],
    ["unknown: <html><body><h1>Not Found</h1></body></html>", 500],
    "unknown: 404 page not found"
  ],
  Unauthorized: [
    ['Head "https://r.test/v2/a/manifests/1": no basic auth credentials', 500],
    ['Head "https://r.test/v2/a/manifests/1": unauthorized: incorrect username or password', 500],
    "no basic auth credentials",
    ["unauthorized", 401],
    ["unauthorized: authentication required", 401],
    ["unauthorized: unauthorized", 500],
    'Head "https://ghcr.io/v2/a/manifests/1": unauthorized',
    'unauthorized: {"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization"}]}',
    denied("Your authorization token has expired. Reauthenticate and try again."),
    "denied: Your authorization token has expired. Reauthenticate and try again.",
    resolving(
      "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials"
    ),
    "push access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials",
    ["authentication required - incorrect username or password", 401],
    [head("401 Unauthorized"), 500],
    buildKit("unexpected status from HEAD request to https://r.test/v2/a/manifests/1: 401 Unauthorized"),
    buildKit(
      "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials"
    ),
    buildKit("failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"),
    [page(401, "Unauthorized"), 500],
    reading("denied: Your authorization token has expired. Reauthenticate and try again."),
    reading("unauthorized: authentication required"),
    reading("unauthorized"),
    initializing(
      "unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password"
    ),
    initializing("unable to retrieve auth token: invalid username/password: authentication required"),
    ["login attempt to https://r.test/v2/ failed with status: 401 Unauthorized", 500]
  ],
  Denied: [
    [denied("requested access to the resource is denied"), 404],
    [denied("denied"), 404],
    [denied("access forbidden"), 404],
    [denied("<html><body><h1>Forbidden</h1></body></html>"), 404],
    [denied("unauthorized: these are only words"), 404],
    ["pull access denied for r.test/a, repository does not exist or may require 'docker login'", 404],
    ['Head "https://ghcr.io/v2/a/manifests/1": denied: denied', 500],
    ["denied", 403],
    [page(403, "Forbidden"), 500],
    "denied: requested access to the resource is denied",
    "error from registry: denied\ndenied",
    [head("403 Forbidden"), 500],
    "push access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
    buildKit(
      "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
    ),
    buildKit(
      "failed to authorize: failed to fetch oauth token: unexpected status from GET request to URL: 403 Forbidden"
    ),
    reading("errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n"),
    reading("StatusCode: 403, <html></html>"),
    initializing("Requesting bearer token: invalid status code from registry 403 (Forbidden)"),
    "trying to reuse blob sha256:aa at destination: failed to read from destination repository a: 403 (Forbidden)"
  ],
  RateLimited: [
    [
      "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
      429
    ],
    "error pulling image configuration: download failed after attempts=1: toomanyrequests: You have reached your pull rate limit.",
    [head("429 Too Many Requests"), 500],
    [page(429, "slow down"), 500],
    "error from registry: You have reached your pull rate limit. You may increase the limit by authenticating",
    buildKit("unexpected status from HEAD request to https://r.test/v2/a/manifests/1: 429 Too Many Requests"),
    "failed to copy: httpReadSeeker: failed open: unexpected status code https://r.test/v2/a/blobs/sha256:aa: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
    reading("toomanyrequests: You have reached your pull rate limit."),
    "trying to reuse blob sha256:aa at destination: failed to read from destination repository a: 429 (Too Many Requests)"
  ],
  Unreachable: [
    // For a name such as my_host.test/app, in which no registry can be told.
    ['Get "https:/v2/": http: no Host in request URL', 500],
    ['Get "https://r.test/v2/": dial tcp 127.0.0.1:5000: connect: connection refused', 500],
    ['Get "https://r.test/v2/": dial tcp: lookup r.test on 127.0.0.53:53: no such host', 500],
    ['Get "https://r.test/v2/": net/http: TLS handshake timeout', 500],
    ['Get "https://r.test/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority', 500],
    ['Get "https://r.test/v2/": http: server gave HTTP response to HTTPS client', 500],
    ['Get "https://r.test/v2/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)', 500],
    ['Get "https://r.test/v2/": EOF', 500],
    resolving(
      'failed to do request: Head "https://r.test/v2/a/manifests/1": dial tcp 127.0.0.1:1: connect: connection refused'
    ),
    'failed to do request: Head "https://r.test/v2/a/blobs/sha256:aa": dial tcp: lookup r.test: no such host',
    buildKit(
      'failed to do request: Head "https://r.test/v2/a/manifests/1": dial tcp 127.0.0.1:1: connect: connection refused'
    ),
    initializing('pinging container registry r.test: Get "https://r.test/v2/": dial tcp: lookup r.test: no such host')
  ],
  Broken: [
    ["received unexpected HTTP status: 503 Service Unavailable", 500],
    ["error parsing HTTP 400 response body: invalid character '<' looking for beginning of value", 500],
    [head("503 Service Unavailable"), 500],
    "filesystem layer verification failed for digest sha256:aa",
    "error pulling image configuration: download failed after attempts=6: received unexpected HTTP status: 502 Bad Gateway",
    "error pulling image configuration: download failed after attempts=1: unknown blob",
    "unexpected EOF",
    "short read: expected 40004356 bytes but got 15000000: unexpected EOF",
    'failed commit on ref "layer-sha256:aa": commit failed: unexpected commit digest sha256:bb, expected sha256:aa: failed precondition',
    "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:aa (application/x) from remote: not found",
    "failed to copy: httpReadSeeker: failed open: content at https://r.test/v2/a/blobs/sha256:aa not found: not found",
    buildKit("unexpected status from HEAD request to https://r.test/v2/a/manifests/1: 503 Service Unavailable"),
    'writing blob: storing blob to file "/var/tmp/storage1/1": happened during read: Digest did not match, expected sha256:aa, got sha256:bb',
    'writing blob: storing blob to file "/var/tmp/storage1/1": happened during read: unexpected EOF',
    reading("StatusCode: 503, <html></html>"),
    [page(503, "Unavailable"), 500],
    "unknown: <html><body>Welcome</body></html>",
    "parsing image configuration: Error fetching blob: invalid status code from registry 404 (Not Found)"
  ],
  PlatformMismatch: [
    "image with reference r.test/a:1 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
    "no matching manifest for linux/arm64 in the manifest list entries",
    [
      "no matching manifest for linux/arm64 in the manifest list entries: no match for platform in manifest: not found",
      404
    ],
    ["no matching manifest for windows(10.0) in the manifest list entries", 404],
    "image with reference r.test/a:1 was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)",
    buildKit("no match for platform in manifest: not found"),
    'choosing an image from manifest list docker://r.test/a:1: no image found in manifest list for architecture arm64, variant "", OS linux'
  ]
}

describe("the meaning of what engines say about registries", () => {
  for (const [meaning, messages] of Object.entries(table)) {
    it.each(messages.map((message) => (typeof message === "string" ? [message, undefined] : message)))(
      `${meaning}: %s`,
      (detail, status) => {
        const error = registryFailure(task, String(detail), typeof status === "number" ? status : undefined)
        expect(error).toMatchObject(
          meaning === "ImageNotFound"
            ? { _tag: "ImageNotFound", image: "r.test/a:1", registry: "r.test", detail }
            : {
                _tag: "RegistryError",
                reason: meaning,
                image: "r.test/a:1",
                registry: "r.test",
                credentials: "none",
                detail
              }
        )
      }
    )
  }

  it.each([
    "tag does not exist: r.test/a:1",
    "An image does not exist locally with the tag: r.test/a",
    "failed to find image r.test/a:1: r.test/a:1: image not known"
  ])("an image that the engine does not have: %s", (detail) => {
    const error = registryFailure(task, detail)
    expect(error).toMatchObject({ _tag: "ImageNotFound", image: "r.test/a:1" })
    expect(error).not.toHaveProperty("registry", "r.test")
  })

  it.each([
    "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
    "context canceled",
    "page not found",
    'failed to compute cache key: failed to calculate checksum of ref 1::2: "/missing": not found',
    'process "/bin/sh -c nothing" did not complete successfully: exit code: 127',
    'exec: "sh": executable file not found in $PATH: unknown',
    "open /data/a: permission denied",
    "unknown: failed to extract layer sha256:aa: no space left on device",
    ""
  ])("nothing about a registry: %s", (detail) => expect(registryFailure(task, detail, 500)).toBeUndefined())

  it("the status, if the message says nothing", () => {
    const reasons = [401, 403, 429].map((status) => registryFailure(task, "some words", status))
    expect(reasons).toMatchObject([{ reason: "Unauthorized" }, { reason: "Denied" }, { reason: "RateLimited" }])
  })
})
