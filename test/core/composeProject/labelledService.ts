import * as Schema from "effect/Schema"
import { ComposeLabels } from "../../../packages/core/src/internal/compose/project/composeLabels.js"

/** The labels that compose gives to a container of the project `shop`. */
export const serviceLabels = (service: string, number = 1): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(Schema.encodeSync(ComposeLabels)({ project: "shop", service, number, oneOff: false })).flatMap(
      ([key, value]) => (value === undefined ? [] : [[key, value]])
    )
  )
