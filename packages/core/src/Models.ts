/**
 * The schemas of what the services return, without the services: for programs that only read it, and for browsers. They are the
 * same as those that the services export. `LogEvent` and `DockerError` are as light.
 *
 * @since 0.1.0
 */
export { ContainerState } from "./internal/api/containerState.js"
export {
  ComposeFile,
  ComposeFileComparison,
  ComposeFileUpdate,
  ComposeFileValidation
} from "./internal/compose/files/composeFileModels.js"
export { ComposeContainer } from "./internal/compose/project/containerModel.js"
export {
  ContainerDetails,
  ContainerExit,
  ContainerMount,
  ContainerNetwork,
  ContainerPort,
  ContainerSummary,
  CreatedContainer,
  FileChange,
  ProcessTable
} from "./internal/containers/containerModels.js"
export { ContainerStats, RunningStats, StoppedStats } from "./internal/containers/statsModels.js"
export { ExecExit, ExecOutput, ExecResult } from "./internal/exec/execModels.js"
export {
  ImageDefaults,
  ImageDetails,
  ImageHistoryStep,
  ImagePlatform,
  ImageSummary,
  RemovedImage
} from "./internal/images/imageModels.js"
export { CreatedNetwork, Network, NetworkMember, Subnet } from "./internal/networks/networkModels.js"
export { DiskUsage, DiskUsageTotals, EngineInfo, EngineVersion } from "./internal/system/systemModels.js"
export { Volume } from "./internal/volumes/volumeModels.js"
export { EngineEvent } from "./internal/watch/eventModel.js"
