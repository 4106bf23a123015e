import { onTestFinished } from "vitest"
import { testEngine } from "../../engine/realEngine.js"
import { createTestContainer, type TestContainer, type TestContainerOptions } from "../../engine/testContainer.js"

type Options = Partial<TestContainerOptions>

/** A container that is to run this script; removed when the test is over. */
export const made = async (script: string, options: Options = {}): Promise<TestContainer> => {
  const { endpoint } = testEngine()
  const container = await createTestContainer({ endpoint, cmd: ["sh", "-c", script], ...options })
  onTestFinished(container.remove)
  return container
}

/** One that runs it. */
export const started = async (script: string, options: Options = {}): Promise<TestContainer> => {
  const container = await made(script, options)
  await container.start()
  return container
}
