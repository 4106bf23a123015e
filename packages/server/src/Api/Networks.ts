/** Networks over HTTP. */
import { CreatedNetwork, Network, Subnet } from "@dockwire/core/Models"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import * as Errors from "./Errors.js"
import { optionalField, optionalFlag, optionalText, textRecord } from "./fields/bodyFields.js"
import { pathField } from "./fields/pathField.js"
import { filters } from "./fields/queryFields.js"
import { rawQuery, withOptionalRaw } from "./fields/rawField.js"
import { RequiredScope } from "./RequiredScope.js"

const id = Schema.Struct({
  id: pathField(255, /^[^\s/][^\r\n]*$/, "The network's name or id", "Pass a network's name or its id.")
})

/** What a new network is like. */
export const NetworkRequest = Schema.Struct({
  name: Schema.String,
  driver: optionalText("Default: bridge"),
  subnets: optionalField(Schema.Array(Subnet), "Chosen by the engine if left out"),
  internal: optionalFlag("Whether to disable external access"),
  attachable: optionalFlag("Whether standalone containers can join a swarm-scoped network"),
  ipv6: optionalFlag("Whether to enable IPv6"),
  options: optionalField(textRecord, "Options of the driver"),
  labels: optionalField(textRecord, "Labels of the network")
}).annotations({ identifier: "NetworkRequest" })

const container = Schema.String.annotations({ description: "The container's name or id" })

/** A container to connect to a network. */
export const ConnectRequest = Schema.Struct({
  container,
  aliases: optionalField(Schema.Array(Schema.String), "Additional DNS names of the container on the network"),
  ipv4Address: optionalText("Its address on the network"),
  ipv6Address: optionalText("Its address on the network")
}).annotations({ identifier: "ConnectRequest" })

/** A container to disconnect from a network. */
export const DisconnectRequest = Schema.Struct({
  container,
  force: optionalFlag("Whether to disconnect it even if the engine has lost it")
}).annotations({ identifier: "DisconnectRequest" })

const network = withOptionalRaw(Network, "Network")

/** Lists, inspects, creates and removes networks, and connects containers to them. */
export class NetworksApi extends HttpApiGroup.make("networks")
  .add(
    HttpApiEndpoint.get("list", "/")
      .setUrlParams(Schema.Struct({ ...rawQuery, filters: filters('{"driver":["bridge"],"label":["a=b"]}') }))
      .addSuccess(Schema.Array(network))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("inspect", "/:id")
      .setPath(id)
      .setUrlParams(Schema.Struct(rawQuery))
      .addSuccess(network)
      .addError(Errors.NetworkNotFound)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("create", "/")
      .setPayload(NetworkRequest)
      .addSuccess(CreatedNetwork.annotations(HttpApiSchema.annotations({ status: 201 })))
      .addError(Errors.NameConflict)
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
      .annotate(RequiredScope, "operate")
  )
  .add(
    HttpApiEndpoint.del("remove", "/:id")
      .setPath(id)
      .addError(Errors.NetworkNotFound)
      .addError(Errors.ResourceInUse)
      .annotate(RequiredScope, "operate")
  )
  .add(
    HttpApiEndpoint.post("connect", "/:id/connect")
      .setPath(id)
      .setPayload(ConnectRequest)
      .addError(Errors.NetworkNotFound)
      .addError(Errors.ContainerNotFound)
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
      .annotate(RequiredScope, "operate")
  )
  .add(
    HttpApiEndpoint.post("disconnect", "/:id/disconnect")
      .setPath(id)
      .setPayload(DisconnectRequest)
      .addError(Errors.NetworkNotFound)
      .addError(Errors.ContainerNotFound)
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
      .annotate(RequiredScope, "operate")
  )
  .addError(Errors.EngineUnavailable)
  .addError(Errors.EngineError)
  .prefix("/api/networks") {}
