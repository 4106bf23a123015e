/**
 * The names of rooms.
 *
 * @since 0.1.0
 */

/**
 * The room of all operations.
 *
 * @since 0.1.0
 * @category constants
 */
export const allOperationsRoom = "docker_logs"

/**
 * The prefix of the rooms of single runs.
 *
 * @since 0.1.0
 * @category constants
 */
export const operationPrefix = "operation_"

/**
 * The room of one run of an operation.
 *
 * @since 0.1.0
 * @category constructors
 */
export const operationRoom = (logId: string): string => operationPrefix + logId

/**
 * The prefix of the rooms of compose files.
 *
 * @since 0.1.0
 * @category constants
 */
export const configPrefix = "docker_config_"

/**
 * The room of the operations on one compose file.
 *
 * @since 0.1.0
 * @category constructors
 */
export const configRoom = (configId: string | number): string => `${configPrefix}${configId}`

/**
 * The prefix of the rooms of images.
 *
 * @since 0.1.0
 * @category constants
 */
export const imagePrefix = "docker_image_"

/**
 * The room of the operations on one image. Each `:` of the image's name becomes `_`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const imageRoom = (imageName: string): string => imagePrefix + imageName.replaceAll(":", "_")

/**
 * The prefix of the rooms of container logs.
 *
 * @since 0.1.0
 * @category constants
 */
export const containerLogsPrefix = "container_logs_"

/**
 * The prefix of the rooms of container stats.
 *
 * @since 0.1.0
 * @category constants
 */
export const containerStatsPrefix = "container_stats_"

/**
 * The room of a container's log. Its canonical name contains the full id.
 *
 * @since 0.1.0
 * @category constructors
 */
export const containerLogsRoom = (containerId: string): string => containerLogsPrefix + containerId

/**
 * The room of a container's stats. Its canonical name contains the full id.
 *
 * @since 0.1.0
 * @category constructors
 */
export const containerStatsRoom = (containerId: string): string => containerStatsPrefix + containerId
