import { useModel } from "../model/PageModel.js"
import { StackList } from "./StackList.js"
import { Stacks } from "./Stacks.js"
import { StackView } from "./StackView.js"

let stacks: Stacks | undefined

/** The stacks, or one of them. */
export const StacksPage = ({ name }: { readonly name?: string | undefined }) => {
  const { api, notices, operations } = useModel()
  stacks ??= new Stacks(api, operations, notices)
  return name === undefined ? <StackList stacks={stacks} /> : <StackView key={name} name={name} stacks={stacks} />
}
