/** Adds the tag `latest` to an image reference that has neither a tag nor a digest. */
export const withDefaultTag = (reference: string): string =>
  /:[^/]*$|@/.test(reference) ? reference : `${reference}:latest`
