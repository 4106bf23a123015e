/** Fields with passwords. No response repeats what was sent in them. */
import type * as AST from "effect/SchemaAST"

const secretAnnotation = Symbol.for("@dockwire/server/Secret")

/** Annotations of a field whose value, or a part of it, is a secret. */
export const secretField = { [secretAnnotation]: true }

const propertyOf = (ast: AST.AST, key: PropertyKey): AST.PropertySignature | undefined =>
  ast._tag === "TypeLiteral"
    ? ast.propertySignatures.find(({ name }) => name === key)
    : ast._tag === "Transformation" || ast._tag === "Refinement"
      ? propertyOf(ast.from, key)
      : undefined

/** Whether a field of a struct is marked. */
export const isSecret = (ast: AST.AST, key: PropertyKey | undefined): boolean =>
  key !== undefined && propertyOf(ast, key)?.type.annotations[secretAnnotation] === true
