import * as HttpApi from "@effect/platform/HttpApi"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { Api } from "../../../packages/server/src/Api/Api.js"
import { ReadsBody } from "../../../packages/server/src/Api/fields/requestBody.js"

/** An endpoint, as a test can call it. */
export interface TableEndpoint {
  readonly name: string
  readonly method: string
  /** With `no-such-thing` as each of its fields. */
  readonly path: string
  readonly hasPathFields: boolean
  /** A body that is valid, as JSON. */
  readonly body: string | undefined
  /** Whether the server checks the body before the handler does. */
  readonly checksBody: boolean
  /** The statuses that it may answer with, each with what its body is. */
  readonly responses: ReadonlyMap<number, (body: unknown) => boolean>
}

const isValid = (ast: Option.Option<AST.AST>): ((body: unknown) => boolean) =>
  Option.match(ast, {
    onNone: () => (body) => body === undefined,
    onSome: (some) => {
      const schema: Schema.Schema<unknown, unknown> = Schema.make(some)
      return (body) => Option.isSome(Schema.decodeUnknownOption(schema)(body))
    }
  })

const bodyOf = (payload: Option.Option<{ readonly ast: AST.AST }>): string | undefined =>
  Option.getOrUndefined(
    Option.map(payload, ({ ast }) => {
      const schema: Schema.Schema<unknown, unknown> = Schema.make(ast)
      const [sample] = FastCheck.sample(Arbitrary.make(schema), { numRuns: 1, seed: 7 })
      return JSON.stringify(Schema.encodeSync(schema)(sample))
    })
  )

/** Every endpoint of the API. */
export const apiTable = (): ReadonlyArray<TableEndpoint> => {
  const table: Array<TableEndpoint> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, errors, group, successes }) => {
      table.push({
        name: `${group.identifier}.${endpoint.name}`,
        method: endpoint.method,
        path: endpoint.path.replace(/:\w+/g, "no-such-thing"),
        hasPathFields: Option.isSome(endpoint.pathSchema),
        body: bodyOf(endpoint.payloadSchema),
        checksBody: Option.isSome(endpoint.payloadSchema) && !Context.get(endpoint.annotations, ReadsBody),
        responses: new Map([...successes, ...errors].map(([status, { ast }]) => [status, isValid(ast)]))
      })
    }
  })
  return table
}
