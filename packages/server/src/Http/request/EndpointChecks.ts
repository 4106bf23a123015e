/** What each endpoint accepts, compiled once from the schemas of the API. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as HttpApi from "@effect/platform/HttpApi"
import * as Context from "effect/Context"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { Api } from "../../Api/Api.js"
import { ReadsBody } from "../../Api/fields/requestBody.js"
import { isSecret } from "../../Api/fields/secretField.js"

/** Checks a decoded part of a request. Returns what is wrong with it. */
export type Check = (input: unknown) => InvalidRequest | undefined

/** The checks of one endpoint. Without `body`, the endpoint takes none. */
export interface EndpointChecks {
  readonly path: Check
  readonly query: Check
  readonly headers: Check
  readonly body: { readonly contentTypes: ReadonlyArray<string>; readonly check: Check } | undefined
}

const isObject = (value: unknown): value is Readonly<Record<PropertyKey, unknown>> =>
  typeof value === "object" && value !== null

/** A value as an error shows it: a body may be long. */
const shown = (value: unknown): string => {
  const text = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

const fieldNames = (ast: AST.AST): ReadonlyArray<string> =>
  ast._tag === "TypeLiteral"
    ? ast.propertySignatures.map(({ name }) => String(name))
    : ast._tag === "Transformation" || ast._tag === "Refinement"
      ? fieldNames(ast.from)
      : []

const accepted = (names: ReadonlyArray<string>): string =>
  names.length === 0 ? "This endpoint takes none." : `This endpoint takes: ${names.join(", ")}.`

/** Compiles the check of a part that is a struct. `kind` is the word for its fields. */
const checkOf = (schema: Schema.Schema.AnyNoContext, kind: string): Check => {
  const isHeader = kind === "header"
  const decode = Schema.decodeUnknownEither(schema, { onExcessProperty: isHeader ? "ignore" : "error" })
  const names = fieldNames(schema.ast)
  const unknown = (field: string, value: unknown) =>
    new InvalidRequest({ field, value: shown(value), detail: `there is no such ${kind}. ${accepted(names)}` })
  // A struct without fields accepts whatever there is.
  if (names.length === 0) {
    return (input) => {
      const [first] = isHeader ? [] : Object.entries(isObject(input) ? input : {})
      return first === undefined ? undefined : unknown(...first)
    }
  }
  return (input) => {
    const decoded = decode(input)
    if (Either.isRight(decoded)) return undefined
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)
    const path = issue?.path ?? []
    const field = path.length === 0 ? "body" : path.map(String).join(".")
    if (isSecret(schema.ast, path[0])) {
      return new InvalidRequest({ field, value: "(secret)", detail: "not a valid value. /openapi.json describes it" })
    }
    const value = path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), input)
    if (issue?._tag === "Unexpected" && path.length === 1) return unknown(field, value)
    const detail =
      issue?._tag === "Missing"
        ? `this ${kind} is missing`
        : Array.isArray(value) && kind === "query parameter"
          ? "may be given once only"
          : (issue?.message ?? "not a valid value")
    return new InvalidRequest({ field, value: shown(value), detail })
  }
}

const noFields = Schema.Struct({})

/** A schema, of which only the tree is read. */
type Part = Option.Option<{ readonly ast: AST.AST }>

/** What is checked of an endpoint. */
interface CheckedEndpoint {
  readonly annotations: Context.Context<never>
  readonly headersSchema: Part
  readonly pathSchema: Part
  readonly payloadSchema: Part
  readonly urlParamsSchema: Part
}

const part = (schema: Part): Schema.Schema.AnyNoContext =>
  Option.match(schema, { onNone: () => noFields, onSome: (some) => Schema.make(some.ast) })

const compile = (
  { annotations, headersSchema, pathSchema, payloadSchema, urlParamsSchema }: CheckedEndpoint,
  contentTypes: ReadonlyArray<string>
): EndpointChecks => ({
  path: checkOf(part(pathSchema), "part of the address"),
  query: checkOf(part(urlParamsSchema), "query parameter"),
  headers: checkOf(part(headersSchema), "header"),
  body:
    contentTypes.length === 0 || Context.get(annotations, ReadsBody)
      ? undefined
      : { contentTypes, check: checkOf(part(payloadSchema), "field") }
})

/** The name of an endpoint among the checks. */
export const endpointKey = (method: string, path: string): string => `${method} ${path}`

/** The checks of all endpoints. */
export const endpointChecks = (): ReadonlyMap<string, EndpointChecks> => {
  const checks = new Map<string, EndpointChecks>()
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, payloads }) => {
      checks.set(endpointKey(endpoint.method, endpoint.path), compile(endpoint, [...payloads.keys()]))
    }
  })
  return checks
}
