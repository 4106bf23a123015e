import { useModel } from "../model/PageModel.js"
import { routeTo } from "../Route.js"

/** So many are listed. */
const most = 8

/** The containers whose name, image or project has the text. */
export const FoundNames = ({ text }: { readonly text: string }) => {
  const { containers } = useModel()
  const wanted = text.trim().toLowerCase()
  if (wanted === "") return null
  const found = (containers.list.value ?? []).filter(({ image, name, project = "" }) =>
    [name, image, project].some((one) => one.toLowerCase().includes(wanted))
  )
  if (found.length === 0) return null
  return (
    <nav id="found-names" aria-label="Containers that fit">
      {found.slice(0, most).map(({ id, name }) => (
        <a key={id} href={routeTo(name)}>
          {name}
        </a>
      ))}
      {found.length > most && <span>and {found.length - most} more</span>}
    </nav>
  )
}
