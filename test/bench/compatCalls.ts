/** The old functions, each with the docker command that the original ran for it. */
import * as compat from "@dockwire/compat"
import { engineCall, engineRequest } from "../engine/engineRequest.js"
import { createTestContainer } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"

/** A call in both ways. `name` is that of the object it is about, or the path of the compose file. */
export interface CompatCall {
  readonly title: string
  readonly compat: (name: string) => Promise<unknown>
  readonly docker: (name: string) => ReadonlyArray<string>
  readonly isList?: true
}

/** Calls that are made in this order: a later one needs what an earlier one has done. */
export interface CallSequence {
  /** Makes what the calls need. It is not measured. */
  readonly open?: (endpoint: string, name: string) => Promise<unknown>
  readonly calls: ReadonlyArray<CompatCall>
  /** Removes what may be left, also after a failure. */
  readonly close?: (endpoint: string, name: string) => Promise<unknown>
  /** Whether the calls are about the compose file. */
  readonly isCompose?: true
  /** Whether the engine has much to do for the calls. */
  readonly isSlow?: true
}

const json = ["--format", "{{json .}}"] as const

const list = (title: string, call: () => Promise<unknown>, ...command: ReadonlyArray<string>): CompatCall => ({
  title,
  compat: call,
  docker: () => [...command, ...json],
  isList: true
})

/** A call with one argument, which ends the command too. */
const about = (
  title: string,
  call: (name: string) => Promise<unknown>,
  ...command: ReadonlyArray<string>
): CompatCall => ({ title, compat: call, docker: (name) => [...command, name] })

const compose = (
  title: string,
  call: (path: string) => Promise<unknown>,
  ...command: ReadonlyArray<string>
): CompatCall => ({ title, compat: call, docker: (path) => ["compose", "-f", path, ...command] })

const lists: CallSequence = {
  calls: [
    list("get_containers", () => compat.get_containers(), "ps", "-a"),
    list("get_images", compat.get_images, "images"),
    list("get_volumes", compat.get_volumes, "volume", "ls"),
    list("get_networks", compat.get_networks, "network", "ls")
  ]
}

/** A process that ends as soon as it is told to. */
const program = ["sh", "-c", 'for i in $(seq 150); do echo "line $i of the log"; done; exec sleep 3600']

const containers: CallSequence = {
  isSlow: true,
  open: async (endpoint, name) => {
    await createTestContainer({ endpoint, name, cmd: program, hostConfig: { Init: true } })
    await engineCall(endpoint, "POST", "/networks/create", { Name: name, Labels: testLabels() })
  },
  calls: [
    about("start_container", compat.start_container, "start"),
    about("inspect_container", compat.inspect_container, "inspect", "--type", "container"),
    about("get_container_logs", compat.get_container_logs, "logs", "--tail", "100"),
    {
      title: "exec_container_command",
      compat: (name) => compat.exec_container_command(name, "echo hello"),
      docker: (name) => ["exec", name, "echo", "hello"]
    },
    {
      title: "connect_container_to_network",
      compat: (name) => compat.connect_container_to_network(name, name),
      docker: (name) => ["network", "connect", name, name]
    },
    {
      title: "disconnect_container_from_network",
      compat: (name) => compat.disconnect_container_from_network(name, name),
      docker: (name) => ["network", "disconnect", name, name]
    },
    about("get_container_stats", compat.get_container_stats, "stats", "--no-stream", ...json),
    about("restart_container", compat.restart_container, "restart"),
    about("stop_container", compat.stop_container, "stop"),
    about("remove_container", (name) => compat.remove_container(name), "rm")
  ],
  close: async (endpoint, name) => {
    await engineRequest(endpoint, "DELETE", `/containers/${name}?force=1&v=1`)
    await engineRequest(endpoint, "DELETE", `/networks/${name}`)
  }
}

const volumes: CallSequence = {
  calls: [
    about("create_volume", (name) => compat.create_volume(name), "volume", "create"),
    about("inspect_volume", compat.inspect_volume, "volume", "inspect"),
    about("remove_volume", (name) => compat.remove_volume(name), "volume", "rm")
  ],
  close: (endpoint, name) => engineRequest(endpoint, "DELETE", `/volumes/${name}`)
}

const networks: CallSequence = {
  calls: [
    about("create_network", (name) => compat.create_network(name), "network", "create"),
    about("inspect_network", compat.inspect_network, "network", "inspect"),
    about("remove_network", compat.remove_network, "network", "rm")
  ],
  close: (endpoint, name) => engineRequest(endpoint, "DELETE", `/networks/${name}`)
}

const images: CallSequence = {
  open: (endpoint, name) => engineCall(endpoint, "POST", `/images/busybox/tag?repo=${name}&tag=latest`),
  calls: [
    about("inspect_image", compat.inspect_image, "image", "inspect"),
    about("remove_image", (name) => compat.remove_image(name), "rmi")
  ],
  close: (endpoint, name) => engineRequest(endpoint, "DELETE", `/images/${name}`)
}

const projects: CallSequence = {
  isCompose: true,
  isSlow: true,
  calls: [
    compose("run_compose", (path) => compat.run_compose(path), "up", "-d"),
    compose("run_compose of what runs", (path) => compat.run_compose(path), "up", "-d"),
    compose("check_compose_status", compat.check_compose_status, "ps"),
    compose("restart_compose", (path) => compat.restart_compose(path), "restart"),
    compose("stop_compose", (path) => compat.stop_compose(path), "down")
  ],
  close: (_, path) => compat.stop_compose(path)
}

export const sequences: ReadonlyArray<CallSequence> = [lists, containers, volumes, networks, images, projects]
