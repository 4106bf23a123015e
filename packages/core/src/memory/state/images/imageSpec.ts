import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { FileContents } from "../fileTree.js"

/**
 * An image that the engine starts with.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryImageSpec {
  readonly name: string
  /** The default command of its containers. Default `["sh"]`, or none if there is an entrypoint. */
  readonly command?: ReadonlyArray<string>
  readonly entrypoint?: ReadonlyArray<string>
  /** Default `{ PATH: "/bin" }`. */
  readonly environment?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  /** Files in the image, by absolute path. */
  readonly files?: FileContents
}

/**
 * How a layer goes over the network.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryTransferSpec {
  /** How long it takes. Default: no time. */
  readonly duration?: Duration.DurationInput
  /** Breaks the connection after this many bytes. The engine tries again after 5, 10, 15 and 20 seconds, then gives up. */
  readonly cutAfter?: number
  /** How often the connection breaks. Default 1. */
  readonly cuts?: number
  /** Nothing more arrives after this many bytes, and the connection stays open. */
  readonly stallAfter?: number
}

/**
 * A layer of an image in a registry.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryLayerSpec extends MemoryTransferSpec {
  /** Layers of the same name, in any registry, are the same layer: the engine downloads it once, as
   * the first of them says. Default: a layer of its own. */
  readonly name?: string
  /** In bytes, as it is sent. */
  readonly size: number
  /** How long extracting it takes. Default: no time. */
  readonly extraction?: Duration.DurationInput
  /** Whether the registry sends content that does not match the digest. */
  readonly broken?: boolean
}

/**
 * How a registry or one of its images fails: it forbids access, limits the rate, cannot be reached, responds with
 * `503 Service Unavailable`, or never responds.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryRegistryFault {
  readonly reason: "Denied" | "RateLimited" | "Unreachable" | "Broken" | "Stalled"
  /** The registry's own words, for `Denied` and `RateLimited`. */
  readonly message?: string
}

/**
 * An image in a registry.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryRegistryImageSpec extends MemoryImageSpec {
  /** Without the registry's host, such as `team/app:1.0`. The tag defaults to `latest`. */
  readonly name: string
  /** From the base up. Default: one layer of 1 MB. */
  readonly layers?: ReadonlyArray<MemoryLayerSpec>
  /**
   * The platforms it is available for. With several, the engine gets the one that it asks for; with one, the engine gets that
   * one whatever it asks for. Default `["linux/amd64"]`.
   */
  readonly platforms?: ReadonlyArray<string>
  readonly fault?: MemoryRegistryFault
}

/**
 * A registry that the engine can reach. What is pushed to it can be pulled from it.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryRegistrySpec {
  /** Host and port as in image references, such as `registry.example.com:5000`. Default: Docker Hub. */
  readonly host?: string
  /** The only credentials that it accepts. Without them, everyone can pull and push. */
  readonly credentials?: { readonly username: string; readonly password: Redacted.Redacted }
  readonly images?: ReadonlyArray<MemoryRegistryImageSpec>
  /** How each layer is pushed to it. */
  readonly uploads?: MemoryTransferSpec
  readonly fault?: MemoryRegistryFault
}

/**
 * A line that a build step prints.
 *
 * @since 0.1.0
 * @category models
 */
export type MemoryBuildLine = string | { readonly stream: "stdout" | "stderr"; readonly text: string }

/**
 * A step of a scripted build.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryBuildStep {
  /** The instruction as in a Dockerfile, such as `RUN make`. */
  readonly instruction: string
  /** The lines that it prints. */
  readonly output?: ReadonlyArray<MemoryBuildLine>
  /** How long it takes. Its lines are spread over this time. Default: no time. */
  readonly duration?: Duration.DurationInput
  /** Another code than 0 fails the build. Default 0. */
  readonly exitCode?: number
}

/**
 * What a build does, instead of what its Dockerfile says. The first one that matches both the tag and the Dockerfile is used.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryBuildSpec {
  /** A tag of the build to match, such as `app:1`. Any build if omitted. */
  readonly tag?: string
  /** What the Dockerfile must contain. Any Dockerfile if omitted. */
  readonly dockerfile?: string | RegExp
  /** The steps, instead of the instructions of the Dockerfile. */
  readonly steps?: ReadonlyArray<MemoryBuildStep>
  /** Settings and files of the resulting image, in addition to those that the steps give it. */
  readonly image?: Omit<MemoryImageSpec, "name">
}
