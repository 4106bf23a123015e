/** Leaves the engine's complete response out, unless the request asks for it. */
export const withoutRaw = <A extends { readonly raw: unknown }>(
  object: A,
  { raw: isWanted = false }: { readonly raw?: boolean }
): A | Omit<A, "raw"> => {
  if (isWanted) return object
  const { raw: _, ...rest } = object
  return rest
}
