/** A repository as the docker command prints it: without Docker Hub's host and its `library/`. */
export const familiarName = (name: string): string => name.replace(/^(index\.)?docker\.io\/(library\/(?=[^/]*$))?/, "")
