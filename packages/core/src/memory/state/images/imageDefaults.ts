import type { ContainerSettings } from "../containerSettings.js"
import type { ImageConfig } from "./imageContent.js"

const nameOf = (entry: string): string => entry.split("=", 1)[0] ?? ""

/** Fills in what a create request leaves to the image. */
export const withImageDefaults = (settings: ContainerSettings, image: ImageConfig): ContainerSettings => {
  const names = settings.env.map(nameOf)
  const ownEntrypoint = settings.entrypoint !== undefined
  const stopSignal = settings.config["StopSignal"]
  return {
    ...settings,
    command: settings.command ?? (ownEntrypoint ? undefined : image.command),
    entrypoint: settings.entrypoint ?? image.entrypoint,
    env: [...settings.env, ...image.env.filter((entry) => !names.includes(nameOf(entry)))],
    labels: { ...image.labels, ...settings.labels },
    exposedPorts: [...new Set([...settings.exposedPorts, ...image.exposedPorts])],
    volumes: [...new Set([...settings.volumes, ...image.volumes])],
    stopSignal:
      (stopSignal === undefined || stopSignal === "") && image.stopSignal !== ""
        ? image.stopSignal
        : settings.stopSignal,
    healthCheck:
      settings.healthCheck ||
      (settings.config["Healthcheck"] == null && image.healthTest.length > 0 && image.healthTest[0] !== "NONE")
  }
}
