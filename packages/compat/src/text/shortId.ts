/** The first 12 digits of an id, without the algorithm of a digest. */
export const shortId = (id: string): string => id.slice(id.indexOf(":") + 1).slice(0, 12)
