import type * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"

type Check = (value: unknown) => boolean

const isObject = (value: unknown): value is Readonly<Record<PropertyKey, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The items, or `undefined` if any of them is. */
const allOf = <A>(items: ReadonlyArray<A | undefined>): ReadonlyArray<A> | undefined => {
  const found = items.filter((item) => item !== undefined)
  return found.length === items.length ? found : undefined
}

const property = ({ isOptional, name, type }: AST.PropertySignature) => {
  const check = checkOf(type)
  return check === undefined ? undefined : { check, isOptional, name }
}

const struct = ({ indexSignatures, propertySignatures }: AST.TypeLiteral): Check | undefined => {
  const properties = allOf(propertySignatures.map(property))
  if (properties === undefined || indexSignatures.length > 1) return undefined
  const [index] = indexSignatures
  if (index === undefined) {
    return (value) => {
      if (!isObject(value)) return false
      for (const { check, isOptional, name } of properties) {
        const member = value[name]
        if (member === undefined && !(name in value) ? !isOptional : !check(member)) return false
      }
      return true
    }
  }
  // No schema of ours combines properties with an index signature.
  if (properties.length > 0 || index.parameter._tag !== "StringKeyword") return undefined
  const check = checkOf(index.type)
  if (check === undefined) return undefined
  return (value) => {
    if (!isObject(value)) return false
    for (const key of Object.keys(value)) if (!check(value[key])) return false
    return true
  }
}

const array = ({ elements, rest }: AST.TupleType): Check | undefined => {
  const [item, ...more] = rest
  const check = elements.length === 0 && more.length === 0 && item !== undefined ? checkOf(item.type) : undefined
  if (check === undefined) return undefined
  return (value) => {
    if (!Array.isArray(value)) return false
    // Not `every`, which skips holes.
    for (const element of value) if (!check(element)) return false
    return true
  }
}

const union = ({ types }: AST.Union): Check | undefined => {
  const checks = allOf(types.map(checkOf))
  if (checks === undefined) return undefined
  return (value) => {
    for (const check of checks) if (check(value)) return true
    return false
  }
}

const checkOf = (ast: AST.AST): Check | undefined => {
  switch (ast._tag) {
    case "StringKeyword":
      return (value) => typeof value === "string"
    case "NumberKeyword":
      return (value) => typeof value === "number"
    case "BooleanKeyword":
      return (value) => typeof value === "boolean"
    case "UndefinedKeyword":
      return (value) => value === undefined
    case "UnknownKeyword":
      return () => true
    case "Literal":
      return (value) => value === ast.literal
    case "TypeLiteral":
      return struct(ast)
    case "TupleType":
      return array(ast)
    case "Union":
      return union(ast)
    default:
      return undefined
  }
}

/**
 * Compiles a schema to a predicate that is about twenty times as fast as decoding, because it allocates nothing.
 * Returns `undefined` unless the schema describes plain JSON and decoding leaves values unchanged. A value that passes
 * is valid; a value that does not pass may still be.
 */
export const schemaCheck = <A, I>(schema: Schema.Schema<A, I>): ((value: unknown) => value is A) | undefined => {
  const check = checkOf(schema.ast)
  return check === undefined ? undefined : (value): value is A => check(value)
}
