import { effect, signal } from "@preact/signals"
import { createContext } from "preact"
import { useContext } from "preact/hooks"
import { makeApiCaller } from "../../client/api/ApiCaller.js"
import { addresses, standardTransport } from "../../client/connection/Transport.js"
import { makeSocket } from "../../client/Socket.js"
import { LogController } from "../log/LogController.js"
import { Operations } from "../operations/Operations.js"
import { parseRoute } from "../Route.js"
import { clock } from "./Clock.js"
import { Connection } from "./Connection.js"
import { ContainerActions } from "./ContainerActions.js"
import { type Container, Containers } from "./Containers.js"
import { LogActivity } from "./LogActivity.js"
import { Notices } from "./Notices.js"
import { Selection } from "./Selection.js"
import { Session } from "./Session.js"
import { Theme } from "./Theme.js"

/** How often the list is fetched again, in milliseconds, because texts like `Up 3 minutes` go stale. */
const refreshTime = 60_000

/** All that the page of a browser that is signed in knows. */
export class PageModel {
  readonly api = makeApiCaller({ url: document.baseURI })
  readonly socket = makeSocket(standardTransport(addresses(document.baseURI), undefined, undefined))
  readonly route = signal(parseRoute(location.hash))
  readonly notices = new Notices()
  readonly session = new Session(this.api)
  readonly operations = new Operations(this.api, this.notices)
  readonly log = new LogController(this.socket, this.api)
  readonly theme = new Theme(() => this.log.restyle())
  readonly connection: Connection
  readonly containers: Containers
  readonly selection: Selection
  readonly actions: ContainerActions
  readonly activity = new LogActivity(this.api, () => {
    const engine = this.connection.engine.value
    // Of a demo, nothing is kept.
    return (
      !document.hidden && this.connection.connected.value && engine?.available === true && engine.demo === undefined
    )
  })
  /** The names of the containers in the rail, in its order. */
  readonly railNames = signal<ReadonlyArray<string>>([])
  /** The container that the reader is asked about before it is removed. */
  readonly removing = signal<Container | undefined>(undefined)

  /** `onNotAllowed` is called when the session has ended. */
  constructor(onNotAllowed: () => void) {
    const end = (): void => {
      this.socket.disconnect()
      onNotAllowed()
    }
    this.connection = new Connection(this.socket, this.api, onNotAllowed)
    this.containers = new Containers(this.api, end)
    this.selection = new Selection(this.route, this.containers, this.log)
    this.actions = new ContainerActions(this.api, this.containers, this.notices)
    this.socket.on("container_status_change", (change) => this.containers.applyStatusChange(change))
    this.socket.on("connect", () => void this.session.refresh())
    addEventListener("hashchange", () => {
      this.route.value = parseRoute(location.hash)
    })
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.containers.refreshSoon()
    })
    setInterval(() => {
      if (!document.hidden && this.connection.connected.value) void this.containers.refresh()
    }, refreshTime)
    effect(() => {
      if (this.connection.engine.value?.available === true) void this.containers.refresh()
    })
    effect(() => {
      void clock.value
      this.log.restyle()
    })
    effect(() => {
      const name = this.selection.requested
      document.title = name === undefined ? "Dockwire" : `${name} · Dockwire`
    })
  }
}

const context = createContext<PageModel | undefined>(undefined)

/** Gives the model to the components below. */
export const ModelProvider = context.Provider

/** The model of the page. */
export const useModel = (): PageModel => {
  const model = useContext(context)
  if (model === undefined) throw new TypeError("This component is outside of the page.")
  return model
}
