/** See `LogTerm`. */
export type QueryTerm = { readonly text: string } | { readonly regex: string }
