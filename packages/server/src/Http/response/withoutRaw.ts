/** Leaves the engine's complete response out, unless the request asks for it. */
export const withoutRaw = <A extends { readonly raw: unknown }>(object: A, isWanted: boolean): A | Omit<A, "raw"> => {
  if (isWanted) return object
  const { raw: _, ...rest } = object
  return rest
}
