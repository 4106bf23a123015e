import { EngineUnavailable, type UnavailableReason } from "../../DockerError.js"

const reasonByCode: Readonly<Record<string, UnavailableReason>> = {
  ENOENT: "NotFound",
  ENOTDIR: "NotFound",
  ENOTFOUND: "NotFound",
  EAI_AGAIN: "NotFound",
  EHOSTUNREACH: "NotFound",
  ENETUNREACH: "NotFound",
  ECONNREFUSED: "Refused",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  ETIMEDOUT: "TimedOut"
}

/** OpenSSL's codes for a certificate, the engine's or ours, that is not trusted. */
const certificateCode = /CERT|_ISSUER|_LEAF_SIGNATURE|ALERT_(UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/

/** Maps the code of a Node error to a reason. A connection that fails for any other reason counts as lost. */
export const unavailableReason = (code: string): UnavailableReason =>
  reasonByCode[code] ?? (certificateCode.test(code) ? "PermissionDenied" : "Lost")

/** The messages of OpenSSL errors repeat file names and line numbers of its source; only `reason` is of use. */
const messageOf = (error: Error): string =>
  "library" in error && "reason" in error ? `TLS: ${String(error.reason)}` : error.message

/** Turns an error of a connection into `EngineUnavailable`. Without an error, the connection was closed. */
export const engineUnavailable = (endpoint: string, error: Error | undefined): EngineUnavailable =>
  new EngineUnavailable({
    endpoint,
    reason: unavailableReason(error !== undefined && "code" in error ? String(error.code) : ""),
    detail: error === undefined ? "the connection was closed" : messageOf(error)
  })
