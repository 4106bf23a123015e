import * as Redacted from "effect/Redacted"
import type { FoundCredentials } from "../../../RegistryAuth.js"
import { InvalidRequest } from "../../../DockerError.js"
import { defaultRegistry } from "../../registry/imageReference.js"
import type { BuildContext } from "../context/buildContext.js"
import { type ProtoField, protoFields, textField } from "../protobuf/protoFields.js"
import { ProtoWriter } from "../protobuf/protoWriter.js"
import { DiffCopy } from "./diffCopy.js"
import { type GrpcCall, GrpcFailure, grpcFrame, type GrpcMethod, grpcStatus } from "./grpcServer.js"
import { requestedFolder } from "./sentFolder.js"
import { connectAgent, forwardAgent } from "./sshForward.js"

/** What the engine may ask for during a build. */
export interface SessionContent {
  /** The files. Without it, the engine gets none: the context was uploaded. */
  readonly context: BuildContext | undefined
  /** The credentials for a registry, as in an image reference. Rejects if they cannot be read. */
  readonly credentials: (registry: string) => Promise<FoundCredentials | undefined>
  /** By id. */
  readonly secrets: ReadonlyMap<string, Redacted.Redacted<string | Uint8Array>>
  /** The sockets of ssh agents by id. */
  readonly ssh: ReadonlyMap<string, string>
}

/** A call with one message and one answer. */
const unary =
  (answer: (request: ReadonlyArray<ProtoField>) => Promise<ProtoWriter> | ProtoWriter): GrpcMethod =>
  async (call) => {
    for await (const message of call.messages()) {
      return call.send(grpcFrame((await answer(protoFields(message))).bytes))
    }
    throw new GrpcFailure(grpcStatus.unknown, "the call has no message")
  }

/** The registry as in an image reference. The engine knows Docker Hub by the name of the host that serves it. */
const registryOf = (host: string): string =>
  ["registry-1.docker.io", "index.docker.io", "https://index.docker.io/v1/"].includes(host) ? defaultRegistry : host

const secretText = (secret: Redacted.Redacted | undefined): string =>
  secret === undefined ? "" : Redacted.value(secret)

/** A refresh token has no user name. Nothing at all means that there are no credentials. */
const encodeCredentials = (found: FoundCredentials | undefined): ProtoWriter =>
  found?.identityToken === undefined
    ? new ProtoWriter().text(1, found?.username ?? "").text(2, secretText(found?.password))
    : new ProtoWriter().text(2, secretText(found.identityToken))

/** The engine and its step both see this as an agent that is not there. */
const agentPath = (ssh: ReadonlyMap<string, string>, id: string): string => {
  const path = ssh.get(id === "" ? "default" : id)
  if (path === undefined) throw new GrpcFailure(grpcStatus.unimplemented, `no ssh agent is forwarded as "${id}"`)
  return path
}

const sshMethods = ({ ssh }: SessionContent): ReadonlyArray<readonly [string, GrpcMethod]> => [
  [
    "/moby.sshforward.v1.SSH/CheckAgent",
    unary(async (request) => {
      const agent = await connectAgent(agentPath(ssh, textField(request, 1)))
      agent.destroy()
      return new ProtoWriter()
    })
  ],
  [
    "/moby.sshforward.v1.SSH/ForwardAgent",
    async (call: GrpcCall) => forwardAgent(call, agentPath(ssh, call.header("buildkit.ssh.id")[0] ?? ""))
  ]
]

const secretMethod = ({ secrets }: SessionContent): GrpcMethod =>
  unary((request) => {
    const secret = secrets.get(textField(request, 1))
    if (secret === undefined) throw new GrpcFailure(grpcStatus.notFound, "the build was given no such secret")
    return new ProtoWriter().text(1, Redacted.value(secret))
  })

/**
 * The methods of a session. Access tokens are left out: the engine then requests them itself, with the credentials.
 * `onFailure` receives why the engine could not be given what it asked for.
 */
export const sessionMethods = (
  content: SessionContent,
  onFailure: (error: unknown) => void
): Map<string, GrpcMethod> => {
  const { context, credentials } = content
  const methods = new Map<string, GrpcMethod>([
    // The engine asks every 5 seconds, and closes a session that does not answer.
    ["/grpc.health.v1.Health/Check", unary(() => new ProtoWriter().integer(1, 1))],
    [
      "/moby.filesync.v1.Auth/Credentials",
      unary(async (request) => encodeCredentials(await credentials(registryOf(textField(request, 1)))))
    ],
    ["/moby.buildkit.secrets.v1.Secrets/GetSecret", secretMethod(content)],
    ...sshMethods(content)
  ])
  if (context !== undefined) {
    methods.set("/moby.filesync.v1.FileSync/DiffCopy", async (call) =>
      new DiffCopy(call, await requestedFolder(call, context)).run()
    )
  }
  return new Map(
    [...methods].map(([name, method]) => [
      name,
      (call) =>
        method(call).catch((error) => {
          if (!(error instanceof GrpcFailure)) onFailure(error)
          throw error instanceof InvalidRequest ? new GrpcFailure(grpcStatus.unknown, error.message) : error
        })
    ])
  )
}
