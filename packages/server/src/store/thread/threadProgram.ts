/** Where the program of the store's threads is: beside this file, also where the command is bundled. */
export const threadProgram = new URL("./logStoreThread.js", import.meta.url)
