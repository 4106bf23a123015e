/** The `code` of a wire `error` for a tagged error: `container_not_found` for `ContainerNotFound`. */
export const errorCode = (tag: string): string => tag.replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase()
