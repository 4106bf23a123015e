import type { OperationDetails } from "../../Api/json/ApiTypes.js"
import type { Json } from "../../Api/json/ApiTypes.js"

type Failure = NonNullable<Json<OperationDetails>["failure"]>
type Field = Failure["fields"][string]

const textOf = (field: Field | undefined): string | undefined =>
  typeof field === "string" || typeof field === "number" ? String(field) : undefined

/** Where it failed: the fields that people look for first, in words. */
const facts = ({ fields }: Failure): ReadonlyArray<readonly [name: string, value: string]> => {
  const file = textOf(fields["file"])
  const line = textOf(fields["line"])
  const found: ReadonlyArray<readonly [string, string | undefined]> = [
    ["Service", textOf(fields["service"])],
    ["Image", textOf(fields["image"])],
    ["File", file === undefined || line === undefined ? file : `${file}:${line}`],
    ["Step", textOf(fields["step"])],
    ["Reason", textOf(fields["reason"])],
    ["Exit code", textOf(fields["exitCode"])]
  ]
  return found.flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value] as const]))
}

/** Why an operation failed, before all that it printed. */
export const FailureReport = ({ details }: { readonly details: Json<OperationDetails> }) => {
  const { error, failure, last_lines } = details
  const given = failure?.fields["lastLines"]
  const lines = Array.isArray(given) ? given : last_lines
  const found = failure === undefined ? [] : facts(failure)
  return (
    <div class="failure" role="alert">
      <p class="failure-reason">{error ?? "It failed, and does not say why."}</p>
      {found.length > 0 && (
        <dl>
          {found.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {lines.length > 0 && (
        <details>
          <summary>Its last {lines.length === 1 ? "line" : `${lines.length} lines`}</summary>
          <pre tabIndex={0}>{lines.join("\n")}</pre>
        </details>
      )}
    </div>
  )
}
