/** An operation that is running. */
interface Running {
  /** Begins to interrupt it. */
  readonly interrupt: () => void
  /** Says that it has failed, if nothing else can be done any more. */
  readonly abandon: () => void
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** How long operations may take to end before the process does. */
const grace = 4_000

const running = new Set<Running>()

const abandonAll = () => {
  for (const { abandon } of running) abandon()
}

/**
 * Ends the operations first, and then the process, as the signal would have. A program that handles the signal itself decides
 * when it exits.
 */
const onSignal = (signal: NodeJS.Signals): void => {
  if (process.listenerCount(signal) > 1) return
  const all = [...running]
  for (const { interrupt } of all) interrupt()
  const end = () => {
    abandonAll()
    unwatch()
    process.kill(process.pid, signal)
  }
  const timer = setTimeout(end, grace)
  void Promise.allSettled(all.map(({ ended }) => ended)).then(() => {
    clearTimeout(timer)
    end()
  })
}

const unwatch = () => {
  for (const signal of signals) process.off(signal, onSignal)
  process.off("exit", abandonAll)
}

/** Has an operation told when the process is being ended, for as long as it runs. */
export const whileRunning = (operation: Running): void => {
  if (running.size === 0) {
    for (const signal of signals) process.on(signal, onSignal)
    process.on("exit", abandonAll)
  }
  running.add(operation)
  const remove = () => {
    running.delete(operation)
    if (running.size === 0) unwatch()
  }
  operation.ended.then(remove, remove)
}
