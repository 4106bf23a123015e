import * as Effect from "effect/Effect"
import { EngineError, InvalidRequest } from "../../DockerError.js"
import { acquireDetached, removeOrWarn } from "../api/scopedResource.js"
import type { containerCollection } from "./containerCollection.js"
import type { ContainerSpec } from "./containerSpec.js"
import { describeField } from "./encodeContainer.js"
import type { containerVerbs } from "./containerVerbs.js"

type Methods = Pick<ReturnType<typeof containerCollection>, "create"> &
  Pick<ReturnType<typeof containerVerbs>, "remove" | "start">

const removeContainer = (remove: Methods["remove"], id: string) =>
  removeOrWarn(
    `container ${id}`,
    remove(id, { force: true, volumes: true }).pipe(
      Effect.catchTag("ContainerNotFound", () => Effect.void),
      Effect.catchIf(
        (error) => error._tag === "ContainerStateConflict" && error.state === "removing",
        () => Effect.void
      )
    )
  )

/** Starts a container that has just been created. Failures are those of `create`: they are caused by the spec. */
const startCreated = (start: Methods["start"], id: string, spec: ContainerSpec) => {
  const changedElsewhere = (status: number, detail: string) =>
    new EngineError({ request: `POST /containers/${id}/start`, status, detail })
  return start(id).pipe(
    Effect.catchTags({
      PortAllocated: ({ address, detail }) =>
        Effect.fail(new InvalidRequest({ field: "ports", value: address ?? describeField(spec, "ports"), detail })),
      // Somebody else removed the new container or changed its state.
      ContainerNotFound: ({ detail }) => Effect.fail(changedElsewhere(404, detail)),
      ContainerStateConflict: ({ detail, setting }) =>
        Effect.fail(
          setting === undefined
            ? changedElsewhere(409, detail)
            : new InvalidRequest({ field: setting, value: describeField(spec, setting), detail })
        )
    })
  )
}

/** `Containers.scoped`. */
export const scopedContainer = ({ create, remove, start }: Methods) =>
  Effect.fn("Containers.scoped")((spec: ContainerSpec) =>
    acquireDetached(
      spec.name === undefined ? `a container of ${spec.image}` : `container ${spec.name}`,
      create(spec),
      ({ id }) => removeContainer(remove, id)
    ).pipe(Effect.tap(({ id }) => startCreated(start, id, spec)))
  )
