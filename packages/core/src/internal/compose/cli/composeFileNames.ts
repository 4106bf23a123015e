/** The names under which compose finds a file in the folder of its project, in its order. */
export const composeFileNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] as const

/** The names of the file over it, in the order of compose. They need not belong to each other. */
export const composeOverrideNames = [
  "compose.override.yml",
  "compose.override.yaml",
  "docker-compose.override.yml",
  "docker-compose.override.yaml"
] as const
