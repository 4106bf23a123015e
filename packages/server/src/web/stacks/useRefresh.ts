import { useEffect } from "preact/hooks"
import { useModel } from "../model/PageModel.js"

/** How often what is in sight is fetched again, in milliseconds. */
const interval = 3000

/** Fetches at once, now and then, when containers have changed, and when the connection is back. */
export const useRefresh = (refresh: (cancelled: AbortSignal) => Promise<void>, key: string): void => {
  const { connection, containers } = useModel()
  const connected = connection.connected.value
  const list = containers.list.value
  useEffect(() => {
    const controller = new AbortController()
    const now = (): void => {
      if (!document.hidden) void refresh(controller.signal)
    }
    now()
    const timer = setInterval(now, interval)
    return () => {
      clearInterval(timer)
      controller.abort()
    }
  }, [key, connected, list])
}
