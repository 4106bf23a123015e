import { randomBytes } from "node:crypto"
import { numberAt, textAt } from "./childProcess.js"
import type { RoomServerKind } from "./roomProtocol.js"
import { startTalking } from "./talkingChild.js"

/** What a server says after a command. */
export interface RoomServerState {
  /** The number of the last line. */
  readonly last: number
  /** Processor seconds so far. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
}

/** What all clients together have, and how long the command took them. */
export interface RoomClientsState {
  readonly seconds: number
  /** The number of the last line of the client that is furthest behind. */
  readonly least: number
  readonly lines: number
  readonly bytes: number
  readonly twice: number
  readonly missing: number
  readonly drops: number
}

/** A server and its clients, each in a process of its own. */
export interface RoomPair {
  readonly server: (command: string) => Promise<RoomServerState>
  readonly clients: (command: string) => Promise<RoomClientsState>
  readonly close: () => Promise<void>
}

/** Starts a server of this kind, and a process for its clients. */
export const openRoomPair = async (kind: RoomServerKind): Promise<RoomPair> => {
  const token = randomBytes(24).toString("hex")
  const server = await startTalking("roomServerChild.ts", [kind, token])
  const clients = await startTalking("roomClientsChild.ts", [kind, textAt(server.first, "url"), token])
  return {
    server: async (command) => {
      const value = await server.tell(command)
      return { last: numberAt(value, "last"), cpu: numberAt(value, "cpu"), memory: numberAt(value, "memory") }
    },
    clients: async (command) => {
      const value = await clients.tell(command)
      const at = (name: keyof RoomClientsState) => numberAt(value, name)
      return {
        seconds: at("seconds"),
        least: at("least"),
        lines: at("lines"),
        bytes: at("bytes"),
        twice: at("twice"),
        missing: at("missing"),
        drops: at("drops")
      }
    },
    close: async () => {
      await clients.close()
      await server.close()
    }
  }
}
