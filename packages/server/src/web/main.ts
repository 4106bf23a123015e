import { connect } from "../client/page.js"
import type { Action, Container } from "./Api.js"
import { act, ApiError, listContainers, openSession } from "./Api.js"
import { ContainerList, stateLabel, stateWord } from "./ContainerList.js"
import { byId, element } from "./element.js"
import { LogPane } from "./log/LogPane.js"
import { selectedContainer, takeToken } from "./Route.js"

/** Changes of containers come in bursts: the list is fetched once for all that come within this time, in milliseconds. */
const settleTime = 250

/** `Up 3 minutes` goes stale by itself: the list is fetched again after this time, in milliseconds. */
const refreshTime = 60_000

const app = byId("app", HTMLElement)
const notAllowed = byId("not-allowed", HTMLElement)
const connection = byId("connection", HTMLElement)
const countdown = byId("countdown", HTMLElement)
const demo = byId("demo", HTMLElement)
const demoWayOut = byId("demo-way-out", HTMLElement)
const engine = byId("engine", HTMLElement)
const engineProblem = byId("engine-problem", HTMLElement)
const engineReason = byId("engine-reason", HTMLElement)
const engineEndpoint = byId("engine-endpoint", HTMLElement)
const containersNote = byId("containers-note", HTMLElement)
const welcome = byId("welcome", HTMLElement)
const welcomeText = byId("welcome-text", HTMLElement)
const selected = byId("selected", HTMLElement)
const selectedName = byId("selected-name", HTMLElement)
const selectedState = byId("selected-state", HTMLElement)
const selectedFacts = byId("selected-facts", HTMLElement)
const problem = byId("problem", HTMLElement)
const problemText = byId("problem-text", HTMLElement)
const actions: Readonly<Record<Action, HTMLButtonElement>> = {
  start: byId("start", HTMLButtonElement),
  stop: byId("stop", HTMLButtonElement),
  restart: byId("restart", HTMLButtonElement)
}
const doing: Readonly<Record<Action, readonly [idle: string, busy: string]>> = {
  start: ["Start", "Starting …"],
  stop: ["Stop", "Stopping …"],
  restart: ["Restart", "Restarting …"]
}

const say = (where: HTMLElement, tone: "good" | "busy" | "bad", text: string): void => {
  where.dataset["tone"] = tone
  if (where.textContent !== text) where.textContent = text
}

const showNotAllowed = (): void => {
  notAllowed.hidden = false
  app.dataset["allowed"] = "no"
  say(connection, "bad", "Not allowed")
}

/** Trades the link's token for a cookie, as often as it takes to reach the server. */
const enter = async (token: string): Promise<boolean> => {
  for (;;) {
    try {
      await openSession(token)
      return true
    } catch (cause) {
      if (cause instanceof ApiError && cause.status >= 400 && cause.status < 500) return false
      say(connection, "busy", "The server can't be reached; trying again")
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
  }
}

const start = (): void => {
  const socket = connect(document.baseURI)
  const list = new ContainerList(byId("containers", HTMLElement))
  const pane = new LogPane(socket)
  let containers: ReadonlyArray<Container> | undefined
  /** What is being done to which container, by its id. */
  const busy = new Map<string, Action>()
  /** The container whose log is shown, and its id. */
  let shown: { readonly name: string; readonly id: string } | undefined

  const find = (name: string | undefined): Container | undefined =>
    containers?.find((container) => container.name === name)

  const showProblem = (text: string): void => {
    problem.hidden = text === ""
    problemText.textContent = text
  }

  const showContainers = (): void => {
    if (containers === undefined) return
    const running = containers.filter((container) => container.state === "running").length
    containersNote.textContent =
      containers.length === 0 ? "There are no containers." : `${running} of ${containers.length} running`
  }

  const showSelected = (): void => {
    const name = selectedContainer(location.hash)
    const container = find(name)
    list.show(containers ?? [], name)
    showContainers()
    app.dataset["view"] = name === undefined ? "list" : "log"
    if (name !== shown?.name) {
      showProblem("")
      shown = undefined
      if (container === undefined) pane.follow(undefined)
    }
    if (container !== undefined && container.id !== shown?.id) {
      if (shown === undefined) pane.follow(container.id)
      else pane.goOn(container.id)
      shown = { name: container.name, id: container.id }
    }
    selected.hidden = shown === undefined
    welcome.hidden = shown !== undefined
    document.title = name === undefined ? "Dockwire" : `${name} · Dockwire`
    if (shown === undefined) {
      welcomeText.textContent =
        containers === undefined
          ? engineProblem.hidden
            ? "Asking for the containers …"
            : "The containers show here as soon as the engine answers."
          : name === undefined
            ? "Choose a container to see its log."
            : `There is no container “${name}”.`
      return
    }
    selectedName.textContent = shown.name
    const state = container?.state ?? "removed"
    if (selectedState.dataset["state"] !== state) {
      selectedState.dataset["state"] = state
      selectedState.replaceChildren(stateLabel(state))
    }
    const facts = container === undefined ? [] : [container.image, container.status, container.id.slice(0, 12)]
    selectedFacts.replaceChildren(...facts.filter((fact) => fact !== "").map((fact) => element("span", "fact", fact)))
    const alive = state === "running" || state === "paused" || state === "restarting"
    const doingNow = busy.get(shown.id)
    for (const action of ["start", "stop", "restart"] as const) {
      const button = actions[action]
      const fits = action === "start" ? state === "exited" || state === "created" || state === "dead" : alive
      button.hidden = doingNow === undefined ? !fits : doingNow !== action
      button.disabled = doingNow !== undefined
      button.textContent = doing[action][doingNow === action ? 1 : 0]
    }
  }

  let refreshing = false
  let refreshAgain = false
  const refresh = async (): Promise<void> => {
    if (refreshing) {
      refreshAgain = true
      return
    }
    refreshing = true
    try {
      containers = await listContainers()
      showSelected()
    } catch (cause) {
      // An engine that is away says so by itself, and so does a server.
      if (cause instanceof ApiError && cause.status === 401) {
        socket.disconnect()
        showNotAllowed()
      } else if (containers === undefined && cause instanceof Error) {
        containersNote.textContent = cause.message
      }
    } finally {
      refreshing = false
      if (refreshAgain) {
        refreshAgain = false
        void refresh()
      }
    }
  }

  let settling: ReturnType<typeof setTimeout> | undefined
  const refreshSoon = (): void => {
    settling ??= setTimeout(() => {
      settling = undefined
      void refresh()
    }, settleTime)
  }

  const run = async (action: Action): Promise<void> => {
    if (shown === undefined) return
    const { id, name } = shown
    showProblem("")
    busy.set(id, action)
    showSelected()
    try {
      await act(id, action)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      if (shown?.id === id) showProblem(`Could not ${action} ${name}: ${reason}`)
    } finally {
      busy.delete(id)
      await refresh()
      showSelected()
    }
  }

  let ticking: ReturnType<typeof setInterval> | undefined
  const stopTicking = (): void => {
    clearInterval(ticking)
    countdown.textContent = ""
  }

  socket.on("connect", () => {
    stopTicking()
    say(connection, "good", "Connected")
  })
  socket.on("disconnect", ({ reconnects }) => {
    if (!reconnects) stopTicking()
    say(connection, reconnects ? "busy" : "bad", reconnects ? "Reconnecting" : "Disconnected")
    engine.hidden = true
  })
  socket.on("reconnecting", ({ delay }) => {
    say(connection, "busy", "Reconnecting")
    clearInterval(ticking)
    const until = Date.now() + delay
    const tick = (): void => {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 1000))
      countdown.textContent = left > 0 ? `in ${left} s` : "…"
    }
    tick()
    ticking = setInterval(tick, 250)
  })
  socket.on("error", ({ code, message }) => {
    if (code === "not_allowed") showNotAllowed()
    else if (code === "not_this_protocol") say(connection, "bad", "The server was updated: reload this page")
    else if (code === "closed") say(connection, "bad", message)
  })
  socket.on("engine_status", (status) => {
    const { available, endpoint, reason, version } = status
    demo.hidden = status.demo === undefined
    demoWayOut.textContent = status.demo ?? ""
    engine.hidden = false
    if (!available) say(engine, "bad", "Docker can't be reached")
    else if (status.demo === undefined) say(engine, "good", `Docker ${version ?? ""}`.trim())
    else say(engine, "busy", "Demo, no Docker")
    engine.title = endpoint
    engineProblem.hidden = available
    engineEndpoint.textContent = endpoint
    engineReason.textContent = reason ?? "It does not answer."
    showSelected()
    if (available) void refresh()
  })
  socket.on("container_status_change", ({ container_id, status, success }) => {
    const known = containers?.find((container) => container.id === container_id)
    if (known !== undefined && success && containers !== undefined) {
      // At once in a word; the rest when the list has come.
      const state = status === "stopped" ? "exited" : status
      containers = containers.map((container) =>
        container === known
          ? { ...known, state, status: state === known.state ? known.status : stateWord(state) }
          : container
      )
      showSelected()
    }
    refreshSoon()
  })

  addEventListener("hashchange", () => {
    const token = takeToken()
    if (token === undefined) showSelected()
    else void enter(token).then((allowed) => (allowed ? location.reload() : showNotAllowed()))
  })
  addEventListener("online", () => socket.connect())
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refreshSoon()
  })
  setInterval(() => {
    if (!document.hidden && socket.connected) void refresh()
  }, refreshTime)
  for (const action of ["start", "stop", "restart"] as const) {
    actions[action].addEventListener("click", () => void run(action))
  }
  byId("problem-close", HTMLButtonElement).addEventListener("click", () => showProblem(""))
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || shown === undefined) return
    const target = event.target
    if (target instanceof HTMLInputElement) return
    if (event.key === "/") pane.focusFilter()
    else if (event.key === " " && !(target instanceof HTMLButtonElement)) pane.togglePause()
    else return
    event.preventDefault()
  })
  showSelected()
}

byId("try-again", HTMLButtonElement).addEventListener("click", () => location.reload())

const token = takeToken()
if (token === undefined || (await enter(token))) start()
else showNotAllowed()
