/** Adds the tag `latest` to an image reference that has neither a tag nor a digest. */
export const withDefaultTag = (reference: string): string =>
  /:[^/]*$|@/.test(reference) ? reference : `${reference}:latest`

/** A reference as the engine lists it: without the host of Docker Hub and its `library/`, and with a tag. */
export const familiarName = (reference: string): string =>
  withDefaultTag(reference.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\/(?=[^/]*$)/, ""))
