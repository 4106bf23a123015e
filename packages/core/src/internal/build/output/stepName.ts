/** What the name of a step says. */
export interface StepName {
  /** The stage, if it has a name. */
  readonly stage?: string
  readonly number?: number
  readonly of?: number
}

/** `[2/3] RUN ..`, `[stage 2/3] RUN ..`, `[linux/arm64 stage 2/3] RUN ..` */
const numbered = /^\[(?:([^\]]+) )?(\d+)\/(\d+)\] /

/** A platform, such as `linux/arm64` or `linux/arm/v7`, with the one it is built on in front, if that is another. */
const platform = /^(?:[a-z0-9]+\/[a-z0-9]+(?:\/v\d+)?(?:->[a-z0-9]+\/[a-z0-9]+(?:\/v\d+)?)?)(?: |$)/

/** Reads the name that BuildKit gives a step. A step without a number, such as `[internal] load ..`, says nothing. */
export const parseStepName = (name: string): StepName => {
  const [, scope = "", number, of] = numbered.exec(name) ?? []
  if (number === undefined || of === undefined) return {}
  const stage = scope.replace(platform, "")
  return { ...(stage === "" ? {} : { stage }), number: Number(number), of: Number(of) }
}
