/** How an operation is, as a shape, which colors only help to tell apart, and as a word. */
export const OperationStatus = ({ status }: { readonly status: string }) => (
  <span class="operation-status" data-status={status}>
    <span class="operation-mark" aria-hidden="true" />
    {status}
  </span>
)
