/** Conditions on fields. */
import type { FieldValue, LineFields } from "./lineFields.js"
import { type Quantity, quantityOf } from "./quantity.js"
import { compileExpression } from "../expressions/searchExpression.js"

/** A condition on a field, as `FieldCondition` has it. */
export interface Condition {
  readonly path: string
  readonly op: "=" | "!=" | ">" | ">=" | "<" | "<=" | "~" | "exists"
  readonly value?: string
}

/** A condition on the fields of a line. */
export interface FieldTest {
  readonly test: (fields: LineFields) => boolean
  /** Each line that passes contains this, in the same case; empty if it is not known. */
  readonly literal: string
}

const textOf = (value: FieldValue): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)

/** Below, above or equal to 0, or `undefined` if the two can't be compared. */
const compare = (text: string, wanted: string, quantity: Quantity): number | undefined => {
  const found = quantityOf(text)
  if (found.kind !== quantity.kind) return undefined
  if (found.kind === "text") return text < wanted ? -1 : text > wanted ? 1 : 0
  if (found.exact !== undefined && quantity.exact !== undefined) {
    return found.exact < quantity.exact ? -1 : found.exact > quantity.exact ? 1 : 0
  }
  return found.amount - quantity.amount
}

/** Tests one value. */
const valueTest = ({ op, value: wanted = "" }: Condition): ((value: FieldValue) => boolean) => {
  const quantity = quantityOf(wanted)
  const equals = (value: FieldValue): boolean => {
    const text = textOf(value)
    return text === wanted || (quantity.kind === "number" && compare(text, wanted, quantity) === 0)
  }
  const isOrdered =
    (accepts: (order: number) => boolean) =>
    (value: FieldValue): boolean => {
      if (typeof value === "object" || typeof value === "boolean") return false
      const order = compare(String(value), wanted, quantity)
      return order !== undefined && accepts(order)
    }
  switch (op) {
    case "exists":
      return () => true
    case "=":
    case "!=":
      return equals
    case ">":
      return isOrdered((order) => order > 0)
    case ">=":
      return isOrdered((order) => order >= 0)
    case "<":
      return isOrdered((order) => order < 0)
    case "<=":
      return isOrdered((order) => order <= 0)
    case "~": {
      const expression = compileExpression(wanted)
      // A query whose expression does not compile was refused when it was read.
      return typeof expression === "string" ? () => false : (value) => expression.test(textOf(value))
    }
  }
}

/** What every writer of JSON writes as it is. */
const plainKey = /^[\w@$ -]+$/
const plainValue = /^[A-Za-z_][\w@-]*$/

/** The longer one of what stands in the line: the key, and the value where it is a word. */
const literalOf = ({ op, path, value = "" }: Condition): string => {
  const key = path.split(".").findLast((part) => !/^\d+$/.test(part)) ?? ""
  const literal = plainKey.test(key) ? key : ""
  return op === "=" && plainValue.test(value) && value.length > literal.length ? value : literal
}

/**
 * Makes the test of a condition. A field with several values passes if one of them does; with `!=`, if none of them is the
 * value. A line without the field never passes.
 */
export const fieldTest = (condition: Condition): FieldTest => {
  const { op, path } = condition
  const test = valueTest(condition)
  const keys = path.split(".")
  const literal = literalOf(condition)
  return {
    test: (fields) => {
      if (literal !== "" && !fields.line.includes(literal)) return false
      const values = fields.at(path, keys)
      return op === "!=" ? values.length > 0 && !values.some(test) : values.some(test)
    },
    literal
  }
}
