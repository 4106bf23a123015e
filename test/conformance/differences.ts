import { expect } from "vitest"
import type { EngineName } from "./bench.js"

/** In what the engines differ, and why that is right. All other cells hold for both to the letter. */
const differences = {
  "the words of ps": {
    why: "the real engine hands on what the host's ps says; the engine in memory has no ps",
    real: expect.stringContaining("ps"),
    memory: "ps: error: unsupported option: --nonsense"
  }
} as const

/** What is expected of this engine. */
export const difference = (name: keyof typeof differences, engine: EngineName): unknown => differences[name][engine]
