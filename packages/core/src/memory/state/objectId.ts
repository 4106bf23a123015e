import { randomBytes } from "node:crypto"

/** Generates an object id: 64 hexadecimal digits. */
export const newId = (): string => randomBytes(32).toString("hex")
