import type { DownloadFailure } from "../../../api/errors/composeFileErrors.js"

/** Why a transfer failed, before it is known for which download it was made. */
export class TransferError extends Error {
  readonly reason: DownloadFailure
  readonly status: number | undefined

  constructor(reason: DownloadFailure, detail: string, status?: number) {
    super(detail)
    this.reason = reason
    this.status = status
  }
}
