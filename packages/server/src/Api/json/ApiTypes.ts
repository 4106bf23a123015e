/** The HTTP API as plain types, for clients without Effect: what goes over the wire as JSON. */
import type * as HttpApi from "@effect/platform/HttpApi"
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import type * as Redacted from "effect/Redacted"
import type { OperationLogLine } from "../../OperationSummary.js"
import type { Api } from "../Api.js"
import type { ExecElement, LogElement, StatsElement } from "../Containers.js"
import type { KeptLogElement } from "../logs/KeptLogElement.js"
import type { StackLogElement } from "../Stacks.js"

export type { OperationDetails, OperationItem, OperationPage, OperationSummary } from "../../OperationSummary.js"
export type { Histogram, HistogramBucket, LogGeneration, LogSource, SearchProgress } from "../../store/StoredLog.js"
export type { Accepted } from "../fields/Accepted.js"
export type { KeptHit, KeptItem, KeptLine, KeptLogElement, SearchFound } from "../logs/KeptLogElement.js"
export type { Scope } from "../RequiredScope.js"

type Plain = string | number | boolean | null | undefined

/** A value as JSON has it. */
export type Json<A> = A extends Plain
  ? A
  : A extends bigint
    ? string
    : A extends Redacted.Redacted<infer Secret>
      ? Json<Secret>
      : A extends ReadonlyArray<infer Element>
        ? ReadonlyArray<Json<Element>>
        : { readonly [Key in keyof A]: Json<A[Key]> }

type Groups = typeof Api extends HttpApi.HttpApi<infer _Id, infer All, infer _Error, infer _R> ? All : never
type ApiError = typeof Api extends HttpApi.HttpApi<infer _Id, infer _Groups, infer Error, infer _R> ? Error : never

/** The builder's own error, which the server replaces by `InvalidRequest`. */
type NeverSent = { readonly _tag: "HttpApiDecodeError" }

/** A part of a request, absent where the endpoint has none. */
type Part<Name extends string, A> = [A] extends [never] ? unknown : { readonly [Key in Name]: Json<A> }
type OptionalPart<Name extends string, A> = [A] extends [never] ? unknown : { readonly [Key in Name]?: Json<A> }

type EndpointOf<Group, Endpoint, GroupError> =
  Endpoint extends HttpApiEndpoint.HttpApiEndpoint<
    infer Name,
    infer Method,
    infer Path,
    infer UrlParams,
    infer Payload,
    infer _Headers,
    infer Success,
    infer Error,
    infer _R,
    infer _RE
  >
    ? {
        readonly name: Group extends string ? `${Group}.${Name}` : never
        readonly method: Method
        readonly request: object & Part<"path", Path> & OptionalPart<"query", UrlParams> & Part<"body", Payload>
        readonly success: Json<Success>
        readonly error: Json<Exclude<Error | GroupError | ApiError, NeverSent>>
      }
    : never

type AllEndpoints<Group = Groups> =
  Group extends HttpApiGroup.HttpApiGroup<infer Name, infer Endpoints, infer GroupError, infer _R, infer _TopLevel>
    ? Endpoints extends infer Endpoint
      ? EndpointOf<Name, Endpoint, GroupError>
      : never
    : never

/** The endpoints of the API, by group and name: `containers.list`. */
export type EndpointName = AllEndpoints["name"]

/** The types of an endpoint. */
export type Endpoint<Name extends EndpointName> = Extract<AllEndpoints, { readonly name: Name }>

/** What endpoints send one by one, as JSON lines. */
export interface StreamElements {
  readonly "containers.logs": Json<LogElement>
  readonly "containers.stats": Json<typeof StatsElement.Type>
  readonly "containers.exec": Json<ExecElement>
  readonly "logs.read": Json<KeptLogElement>
  readonly "stacks.logs": Json<StackLogElement>
  readonly "operations.lines": Json<OperationLogLine>
}
