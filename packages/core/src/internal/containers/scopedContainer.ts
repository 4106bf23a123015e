import * as Effect from "effect/Effect"
import {
  type ContainerNotFound,
  type ContainerStateConflict,
  type DockerFailure,
  EngineError,
  InvalidRequest,
  type PortAllocated
} from "../../DockerError.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { acquireDetached, removeOrWarn } from "../api/scopedResource.js"
import type { containerCollection } from "./containerCollection.js"
import type { ContainerSpec } from "./spec/containerSpec.js"
import { describeField } from "./spec/encodeContainer.js"
import { startError } from "./startErrors.js"
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

/** What a request for the start of a container can fail with. */
type StartFailure = ContainerNotFound | ContainerStateConflict | PortAllocated | DockerFailure

/**
 * Maps the errors of a request that starts or prepares a container that has just been created. They become those of
 * `create`: they are caused by the spec, unless somebody else has removed the container or changed its state.
 */
export const mapSpecErrors =
  (id: string, action: "attach" | "start", spec: ContainerSpec) =>
  <A, R>(effect: Effect.Effect<A, StartFailure, R>): Effect.Effect<A, InvalidRequest | DockerFailure, R> => {
    const request = `POST /containers/${id}/${action}`
    return effect.pipe(
      mapEngineError((error) => startError(id, error)),
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

/** Creates and starts a container, and removes it when the scope closes. */
export const scopedContainer = (methods: Methods, spec: ContainerSpec) =>
  acquireContainer(methods, spec).pipe(Effect.tap(({ id }) => mapSpecErrors(id, "start", spec)(methods.start(id))))
