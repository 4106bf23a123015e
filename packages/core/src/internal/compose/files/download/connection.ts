import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { lookup, type LookupAddress } from "node:dns"
import { connect, isIP, type LookupFunction, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { isPublicAddress } from "./publicAddress.js"
import { TransferError } from "./transferError.js"

/** Which addresses a URL may lead to: `any`, or those of the public internet only (`public`). */
export type AllowedAddresses = "any" | "public"

/** How servers are connected to. */
export interface ConnectionOptions {
  readonly addresses: AllowedAddresses
  /** Authorities to trust instead of the usual ones, as PEM. */
  readonly ca: string | undefined
}

/** Finds the addresses of a host. */
export type Resolve = (
  host: string,
  callback: (error: Error | null, addresses: ReadonlyArray<LookupAddress>) => void
) => void

/** How hosts are found: as the machine does it, unless a test provides another way. */
export class HostLookup extends Context.Reference<HostLookup>()("@dockwire/core/HostLookup", {
  defaultValue: (): { readonly resolve: Resolve } => ({
    // Without an error, there are addresses.
    resolve: (host, callback) => lookup(host, { all: true }, (error, found) => callback(error, error ? [] : found))
  })
}) {}

const refused = (host: string, address: string): TransferError =>
  new TransferError("AddressRefused", host === address ? `${host} is not public` : `${host} is ${address}`)

/**
 * Finds the addresses of a host and checks them. The socket connects to what this returns: there is no second lookup, which
 * might return something else.
 */
const checkedLookup =
  (resolve: Resolve, addresses: AllowedAddresses): LookupFunction =>
  (host, options, callback) =>
    resolve(host, (error, found) => {
      const [first] = found
      const forbidden = addresses === "any" ? undefined : found.find(({ address }) => !isPublicAddress(address))
      if (error !== null || first === undefined) {
        callback(new TransferError("HostNotFound", error?.message ?? `${host} has no address`), [])
      } else if (forbidden !== undefined) callback(refused(host, forbidden.address), [])
      else if (options.all === true) callback(null, [...found])
      else callback(null, first.address, first.family)
    })

const transferError = (reason: "Unreachable" | "Untrusted", error: Error): TransferError =>
  error instanceof TransferError ? error : new TransferError(reason, error.message || String(error))

interface OpenedSocket {
  readonly socket: Socket
  readonly ready: Promise<void>
}

/** A socket that is destroyed with the scope, once it is ready. */
const readySocket = (open: () => OpenedSocket): Effect.Effect<Socket, TransferError, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(open), ({ socket }) => Effect.sync(() => socket.destroy())).pipe(
    Effect.flatMap(({ ready, socket }) =>
      Effect.as(
        Effect.tryPromise({
          try: () => ready,
          catch: (error) => (error instanceof TransferError ? error : new TransferError("Unreachable", String(error)))
        }),
        socket
      )
    )
  )

const opened = (socket: Socket, event: string, reason: "Unreachable" | "Untrusted"): OpenedSocket => {
  const ready = new Promise<void>((resolve, reject) => {
    socket.once(event, () => resolve())
    // What happens to the socket later is noticed by whoever reads from it.
    socket.on("error", (error) => reject(transferError(reason, error)))
    socket.once("close", () => reject(new TransferError(reason, "the server closed the connection")))
  })
  // The error of a socket that nobody waits for any more.
  ready.catch(() => {})
  return { socket, ready }
}

/** Connects to the server of a URL. The address is checked before a byte is sent. */
export const openConnection = (
  url: URL,
  { addresses, ca }: ConnectionOptions
): Effect.Effect<Socket, TransferError, Scope.Scope> =>
  Effect.gen(function* () {
    const { resolve } = yield* HostLookup
    const isTls = url.protocol === "https:"
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
    // An address is not looked up.
    if (addresses === "public" && isIP(host) !== 0 && !isPublicAddress(host))
      return yield* Effect.fail(refused(host, host))
    const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port)
    const socket = yield* readySocket(() =>
      opened(
        connect({ host, port, autoSelectFamily: true, lookup: checkedLookup(resolve, addresses) }),
        "connect",
        "Unreachable"
      )
    )
    const { remoteAddress = "" } = socket
    if (addresses === "public" && !isPublicAddress(remoteAddress))
      return yield* Effect.fail(refused(host, remoteAddress))
    if (!isTls) return socket
    return yield* readySocket(() =>
      opened(
        connectTls({
          socket,
          ...(isIP(host) === 0 ? { servername: host } : { host }),
          ...(ca === undefined ? {} : { ca })
        }),
        "secureConnect",
        "Untrusted"
      )
    )
  })
