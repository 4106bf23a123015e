import * as Schema from "effect/Schema"
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"

/**
 * Where a build secret comes from: the value itself, a file, or a variable of this process' environment.
 *
 * @since 0.1.0
 * @category models
 */
export type BuildSecret = Redacted.Redacted | { readonly file: string } | { readonly env: string }

/**
 * What to build, and how.
 *
 * @since 0.1.0
 * @category models
 */
export interface BuildSpec {
  /**
   * The files that the Dockerfile can copy: the path of a folder, which is filtered by its `.dockerignore`, or a tar archive,
   * which is sent as it is. Without it, there are none, and `dockerfile` is a text.
   */
  readonly context?: string | Stream.Stream<Uint8Array>
  /**
   * The path of the Dockerfile, relative to the context, or its text. Default: `Dockerfile`. With an archive, which must not be
   * compressed then, the text becomes its file `.dockwire.Dockerfile`.
   */
  readonly dockerfile?: string | { readonly text: string }
  /** References for the image. One without a tag gets `latest`. */
  readonly tags?: ReadonlyArray<string>
  /**
   * Values of the Dockerfile's `ARG`s. The builder repeats them in the names of its steps, and keeps them in the history of the image.
   * The values that are `Redacted` are replaced in events and errors, but not in the image: pass passwords as `secrets`.
   */
  readonly buildArgs?: Readonly<Record<string, string | Redacted.Redacted>>
  /** The stage to build. Default: the last one. */
  readonly target?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Such as `linux/arm64`. Default: that of the engine. */
  readonly platform?: string
  /** Runs every instruction, even if its result is in the build cache. */
  readonly noCache?: boolean
  /** Pulls the base images, even if the engine has them. */
  readonly pull?: boolean
  /** For `RUN --mount=type=secret`, by id. The classic builder and Podman do not support them. */
  readonly secrets?: Readonly<Record<string, BuildSecret>>
  /**
   * The socket of the ssh agent for `RUN --mount=type=ssh`; `true` for the one in `SSH_AUTH_SOCK`. The classic builder and Podman do
   * not support it.
   */
  readonly ssh?: true | string
  /** The network of `RUN` instructions: `default`, `none` or `host`. The classic builder and Podman accept other networks, too. */
  readonly network?: string
  /** Further hosts for `RUN` instructions, as `name:address`. */
  readonly extraHosts?: ReadonlyArray<string>
  /** Size of `/dev/shm` for `RUN` instructions, in bytes. */
  readonly shmSize?: number
  /** Images whose layers may be used instead of running instructions. */
  readonly cacheFrom?: ReadonlyArray<string>
  /**
   * How long the builder may report nothing new while it does nothing but fetch images, before the build fails with a
   * `RegistryError` of reason `Stalled`. Does not limit instructions that run, nor the transfer of the context. Default 60 seconds.
   */
  readonly stallTimeout?: Duration.DurationInput
}

/**
 * An image that was built.
 *
 * @since 0.1.0
 * @category schemas
 */
export const BuiltImage = Schema.Struct({
  /** The full id, such as `sha256:` and 64 hexadecimal digits. */
  id: Schema.String,
  /** The references that the image was given. */
  tags: Schema.Array(Schema.String)
}).annotations({ identifier: "BuiltImage" })

/**
 * @since 0.1.0
 * @category models
 */
export type BuiltImage = typeof BuiltImage.Type
