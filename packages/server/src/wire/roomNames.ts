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
 * The room of one run of an operation.
 *
 * @since 0.1.0
 * @category constructors
 */
export const operationRoom = (logId: string): string => `operation_${logId}`

/**
 * The room of the operations on one compose file.
 *
 * @since 0.1.0
 * @category constructors
 */
export const configRoom = (configId: string | number): string => `docker_config_${configId}`

/**
 * The room of the operations on one image. Each `:` of the image's name becomes `_`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const imageRoom = (imageName: string): string => `docker_image_${imageName.replaceAll(":", "_")}`

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
