import * as Effect from "effect/Effect"
import { InvalidArgument, textArgument } from "./arguments.js"
import { isFolder } from "./isFolder.js"

const detail = "it is a folder. Pass the path of a compose file"

/** The path of a compose file. A folder would be another project than a file in it. */
export const fileArgument = (name: string, value: unknown): Effect.Effect<string, InvalidArgument> =>
  Effect.gen(function* () {
    const path = yield* textArgument(name, value)
    return (yield* isFolder(path)) ? yield* new InvalidArgument({ name, value: path, detail }) : path
  })
