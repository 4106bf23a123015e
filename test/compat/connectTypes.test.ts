import { type Closeable, connect, type RunningOperation } from "@dockwire/compat"
import type {
  AttachOptions,
  Attachment,
  ContainerDetails,
  ContainerListOptions,
  ContainerSpec,
  ContainerStopOptions,
  ContainerSummary,
  CreatedContainer,
  CreatedNetwork,
  ExecCommand,
  ExecResult,
  FollowElement,
  FollowOptions,
  ImagePullOptions,
  LogLine,
  NetworkSpec,
  OperationEvent,
  PulledImage,
  ReadOptions,
  Volume
} from "@dockwire/core"
import { describe, expect, expectTypeOf, it } from "vitest"

const docker = connect()

describe("the types of connect", () => {
  it("are those of core, in promise style", () => {
    const { containers, images, logs, networks, volumes } = docker
    expectTypeOf(containers.list).toEqualTypeOf<
      (options?: ContainerListOptions) => Promise<ReadonlyArray<ContainerSummary>>
    >()
    expectTypeOf(containers.inspect).toEqualTypeOf<(id: string) => Promise<ContainerDetails>>()
    expectTypeOf(containers.stop).toEqualTypeOf<(id: string, options?: ContainerStopOptions) => Promise<void>>()
    expectTypeOf(volumes.inspect).toEqualTypeOf<(name: string) => Promise<Volume>>()
    expectTypeOf(logs.read).toEqualTypeOf<(id: string, options?: ReadOptions) => AsyncIterable<LogLine>>()
    expectTypeOf(logs.follow).toEqualTypeOf<(id: string, options?: FollowOptions) => AsyncIterable<FollowElement>>()
    expectTypeOf(logs.readBatches).returns.toEqualTypeOf<AsyncIterable<ReadonlyArray<LogLine>>>()
    expectTypeOf(images.pull).toEqualTypeOf<
      (image: string, options?: ImagePullOptions) => RunningOperation<PulledImage>
    >()
    expectTypeOf<ReturnType<typeof images.pull>["events"]>().toEqualTypeOf<AsyncIterable<OperationEvent>>()
    expectTypeOf(networks.scoped).toEqualTypeOf<(spec: NetworkSpec) => Promise<CreatedNetwork & Closeable>>()
  })

  it("hold for generic methods, whose streams are async iterables", () => {
    const { archive, containers, exec, images } = docker
    expectTypeOf(exec.run).parameter(1).toEqualTypeOf<ExecCommand>()
    expectTypeOf(exec.run).returns.toEqualTypeOf<Promise<ExecResult>>()
    type Input = AsyncIterable<Uint8Array | string> | undefined
    expectTypeOf<NonNullable<Parameters<typeof exec.run>[2]>["stdin"]>().toEqualTypeOf<Input>()
    expectTypeOf<NonNullable<Parameters<typeof containers.run>[1]>["stdin"]>().toEqualTypeOf<Input>()
    expectTypeOf<NonNullable<Parameters<typeof containers.run>[1]>["pull"]>().toEqualTypeOf<
      "missing" | "always" | "never" | undefined
    >()
    expectTypeOf(containers.run).returns.toEqualTypeOf<Promise<ExecResult>>()
    expectTypeOf(containers.scoped).parameter(0).toEqualTypeOf<ContainerSpec>()
    expectTypeOf(containers.scoped).returns.toEqualTypeOf<Promise<CreatedContainer & Closeable>>()
    expectTypeOf(images.load).toEqualTypeOf<(archive: AsyncIterable<Uint8Array>) => Promise<ReadonlyArray<string>>>()
    expectTypeOf(archive.put).parameter(2).toEqualTypeOf<AsyncIterable<Uint8Array>>()
    expectTypeOf<Parameters<typeof images.build>[0]["context"]>().toEqualTypeOf<
      string | AsyncIterable<Uint8Array> | undefined
    >()
  })

  it("make functions of the effects that a value holds, and async iterables of its streams", () => {
    const { exec } = docker
    type Terminal = Awaited<ReturnType<typeof exec.terminal>>
    expectTypeOf<Terminal["exitCode"]>().toEqualTypeOf<() => Promise<number>>()
    expectTypeOf<Terminal["output"]>().toEqualTypeOf<AsyncIterable<Uint8Array>>()
    expectTypeOf<Terminal["write"]>().toEqualTypeOf<(input: Uint8Array | string) => Promise<void>>()
    expectTypeOf<Terminal["close"]>().toEqualTypeOf<() => Promise<void>>()
    expectTypeOf(exec.attach).parameter(1).toEqualTypeOf<AttachOptions | undefined>()
    type Attached = Awaited<ReturnType<typeof exec.attach>>
    expectTypeOf<Attached["tty"]>().toEqualTypeOf<Attachment["tty"]>()
    expectTypeOf<Attached["end"]>().toEqualTypeOf<() => Promise<void>>()
  })

  it("have methods only", () => {
    expectTypeOf<keyof typeof docker.composeFiles>().toEqualTypeOf<
      "download" | "check" | "update" | "read" | "list" | "remove"
    >()
    // @ts-expect-error There is no such method.
    expect(() => docker.containers.stopp).not.toThrow()
  })
})
