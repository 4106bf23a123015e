import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { decodeResponse, nullable } from "../api/decode.js"
import type { DiskUsageTotals } from "./systemModels.js"

/** The totals that engines report from API 1.52 on. Zeros are left out. */
const ReportedTotals = nullable(
  Schema.Struct({
    TotalCount: nullable(Schema.Number),
    ActiveCount: nullable(Schema.Number),
    TotalSize: nullable(Schema.Number),
    Reclaimable: nullable(Schema.Number)
  })
)

/** Decodes the response to `GET /system/df` of any API version. */
export const decodeDiskUsage = decodeResponse(
  Schema.Struct({
    ImageUsage: ReportedTotals,
    ContainerUsage: ReportedTotals,
    VolumeUsage: ReportedTotals,
    BuildCacheUsage: ReportedTotals,
    // Older APIs list every object and leave the totals to the client.
    LayersSize: nullable(Schema.Number),
    Images: nullable(
      Schema.Array(
        Schema.Struct({
          Containers: nullable(Schema.Number),
          Size: nullable(Schema.Number),
          SharedSize: nullable(Schema.Number)
        })
      )
    ),
    Containers: nullable(Schema.Array(Schema.Struct({ State: Schema.String, SizeRw: nullable(Schema.Number) }))),
    Volumes: nullable(
      Schema.Array(
        Schema.Struct({ UsageData: nullable(Schema.Struct({ Size: Schema.Number, RefCount: Schema.Number })) })
      )
    ),
    BuildCache: nullable(
      Schema.Array(
        Schema.Struct({
          Size: nullable(Schema.Number),
          InUse: nullable(Schema.Boolean),
          Shared: nullable(Schema.Boolean)
        })
      )
    )
  })
)

type EngineDiskUsage = Effect.Effect.Success<ReturnType<typeof decodeDiskUsage>>

const reportedTotals = (reported: EngineDiskUsage["ImageUsage"]): DiskUsageTotals | undefined =>
  reported == null
    ? undefined
    : {
        count: reported.TotalCount ?? 0,
        active: reported.ActiveCount ?? 0,
        size: Math.max(0, reported.TotalSize ?? 0),
        reclaimable: Math.max(0, reported.Reclaimable ?? 0)
      }

const totalsOf = <A>(
  items: ReadonlyArray<A> | null | undefined,
  isActive: (item: A) => boolean,
  size: (item: A) => number
): DiskUsageTotals => {
  const all = items ?? []
  const sum = (some: ReadonlyArray<A>) => some.reduce((total, item) => total + Math.max(0, size(item)), 0)
  const idle = all.filter((item) => !isActive(item))
  return { count: all.length, active: all.length - idle.length, size: sum(all), reclaimable: sum(idle) }
}

const imageTotals = ({ Images, LayersSize }: EngineDiskUsage): DiskUsageTotals => {
  const images = totalsOf(
    Images,
    ({ Containers }) => (Containers ?? 0) > 0,
    ({ SharedSize, Size }) => (Size ?? 0) - Math.max(0, SharedSize ?? 0)
  )
  // Layers that images share count once, and are reclaimable unless an active image uses them. Podman reports 0 here.
  const size = LayersSize || images.size
  return { ...images, size, reclaimable: Math.max(0, size - (images.size - images.reclaimable)) }
}

/** Computes the totals of `docker system df` as the docker CLI does. */
export const diskUsageTotals = (usage: EngineDiskUsage) => ({
  images: reportedTotals(usage.ImageUsage) ?? imageTotals(usage),
  containers:
    reportedTotals(usage.ContainerUsage) ??
    totalsOf(
      usage.Containers,
      ({ State }) => State === "running" || State === "paused" || State === "restarting",
      ({ SizeRw }) => SizeRw ?? 0
    ),
  volumes:
    reportedTotals(usage.VolumeUsage) ??
    totalsOf(
      usage.Volumes,
      ({ UsageData }) => (UsageData?.RefCount ?? 0) > 0,
      ({ UsageData }) => UsageData?.Size ?? 0
    ),
  buildCache:
    reportedTotals(usage.BuildCacheUsage) ??
    totalsOf(
      usage.BuildCache,
      ({ InUse }) => InUse ?? false,
      ({ Shared, Size }) => (Shared === true ? 0 : (Size ?? 0))
    )
})
