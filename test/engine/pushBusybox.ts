import { removeImage } from "../core/build/builtFiles.js"
import { engineCall } from "./engineRequest.js"
import { uniqueName } from "./testContainer.js"
import type { TestRegistry } from "./testRegistry.js"

/** Pushes busybox to a registry under a new name, which is returned. The engine has no image of that name afterwards. */
export const pushBusybox = async (endpoint: string, registry: TestRegistry, word: string): Promise<string> => {
  const repository = `${registry.host}/${uniqueName(word)}`
  await engineCall(endpoint, "POST", `/images/busybox/tag?repo=${repository}&tag=1`)
  const headers = { "X-Registry-Auth": registry.authHeader }
  await engineCall(endpoint, "POST", `/images/${repository}/push?tag=1`, undefined, { headers })
  await removeImage(endpoint, `${repository}:1`)
  return `${repository}:1`
}
