/**
 * The old functions under their old names. Their promises never reject, whatever Docker answers and whatever the arguments
 * are.
 *
 * @since 0.1.0
 */
export * from "./functions/baseFunctions.js"
export * from "./functions/composeFileFunctions.js"
export * from "./functions/composeFunctions.js"
export * from "./functions/containerFunctions.js"
export * from "./functions/imageFunctions.js"
export * from "./functions/networkFunctions.js"
export * from "./functions/volumeFunctions.js"
