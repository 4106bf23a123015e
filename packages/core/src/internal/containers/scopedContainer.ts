import * as Effect from "effect/Effect"
import { type DockerFailure, EngineError, InvalidRequest } from "../../DockerError.js"
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

/** The failure of a request about a container that somebody else has removed or changed. */
export const changedElsewhere = (request: string, status: number, detail: string): EngineError =>
  new EngineError({ request, status, detail })

/** Starts a container that has just been created. Failures are those of `create`: they are caused by the spec. */
export const startCreated = (
  start: Methods["start"],
  id: string,
  spec: ContainerSpec
): Effect.Effect<void, InvalidRequest | DockerFailure> => {
  const request = `POST /containers/${id}/start`
  return start(id).pipe(
    Effect.asVoid,
    Effect.catchTags({
      PortAllocated: ({ address, detail }) =>
        Effect.fail(new InvalidRequest({ field: "ports", value: address ?? describeField(spec, "ports"), detail })),
      ContainerNotFound: ({ detail }) => Effect.fail(changedElsewhere(request, 404, detail)),
      ContainerStateConflict: ({ detail, setting }) =>
        Effect.fail(
          setting === undefined
            ? changedElsewhere(request, 409, detail)
            : new InvalidRequest({ field: setting, value: describeField(spec, setting), detail })
        )
    })
  )
}

/** Creates a container, and removes it when the scope closes. */
export const acquireContainer = ({ create, remove }: Pick<Methods, "create" | "remove">, spec: ContainerSpec) =>
  acquireDetached(
    spec.name === undefined ? `a container of ${spec.image}` : `container ${spec.name}`,
    create(spec),
    ({ id }) => removeContainer(remove, id)
  )

/** `Containers.scoped`. */
export const scopedContainer = (methods: Methods) =>
  Effect.fn("Containers.scoped")((spec: ContainerSpec) =>
    acquireContainer(methods, spec).pipe(Effect.tap(({ id }) => startCreated(methods.start, id, spec)))
  )
