/** Set by `npm run test:whole`. */
export const wholeVariable = "DOCKWIRE_TEST_WHOLE"

/**
 * Whether tables and random tests run whole. Otherwise those that import this run the part of themselves for which `npm test`
 * has the time.
 */
export const isWhole = process.env[wholeVariable] === "1"

/** The rows of a table: some in `npm test`, at least one of each kind, and more in the whole. */
export const rowsOf = <Row>({
  more,
  quick
}: {
  readonly quick: ReadonlyArray<Row>
  readonly more: ReadonlyArray<Row>
}): Array<Row> => (isWhole ? [...quick, ...more] : [...quick])

/** How often something random is tried. `DOCKWIRE_TEST_ROUNDS` is more than both. */
export const roundsOf = ({ quick, whole }: { readonly quick: number; readonly whole: number }): number =>
  Number(process.env["DOCKWIRE_TEST_ROUNDS"] ?? (isWhole ? whole : quick))
