/** Leads from a view to the list that it belongs to. Seen where the list is not beside it, or always. */
export const BackLink = ({
  always = false,
  href,
  to
}: {
  readonly href: string
  readonly to: string
  readonly always?: boolean
}) => (
  <a class={always ? "back shown" : "back"} href={href} aria-label={to}>
    <span aria-hidden="true">‹</span>
  </a>
)
