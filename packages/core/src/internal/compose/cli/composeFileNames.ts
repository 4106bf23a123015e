/** The names under which compose finds a file in the folder of its project, in its order. */
export const composeFileNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] as const
