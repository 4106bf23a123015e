const containers = "#/containers/"

/** The URL fragment of a container's log. */
export const routeTo = (name: string): string => containers + encodeURIComponent(name)

/** The name of the container that a URL fragment refers to. */
export const selectedContainer = (hash: string): string | undefined => {
  if (!hash.startsWith(containers)) return undefined
  try {
    return decodeURIComponent(hash.slice(containers.length)) || undefined
  } catch {
    // Not a fragment that this page wrote.
    return undefined
  }
}

/** Takes the token out of the address, so that it stays neither in sight nor in the history. */
export const takeToken = (): string | undefined => {
  // Not URLSearchParams, which would turn a plus into a space.
  const token = /(?:^#|&)token=([^&]*)/.exec(location.hash)?.[1]
  if (token === undefined) return undefined
  history.replaceState(null, "", location.pathname + location.search)
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}
