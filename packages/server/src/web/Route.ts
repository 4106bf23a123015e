const containers = "#/containers/"

/** The address, within the page, of a container's log. */
export const routeTo = (name: string): string => containers + encodeURIComponent(name)

/** The container that the address names. */
export const selectedContainer = (hash: string): string | undefined => {
  if (!hash.startsWith(containers)) return undefined
  try {
    return decodeURIComponent(hash.slice(containers.length)) || undefined
  } catch {
    // Not a thing that this page wrote.
    return undefined
  }
}

/** Takes the token out of the address, where nobody should read it over the viewer's shoulder or in the history. */
export const takeToken = (): string | undefined => {
  // Not as a form's data, in which a plus is a space.
  const token = /(?:^#|&)token=([^&]*)/.exec(location.hash)?.[1]
  if (token === undefined) return undefined
  history.replaceState(null, "", location.pathname + location.search)
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}
