/** What was thrown, or another value that may be anything, as a text. */
export const defectText = (defect: unknown): string => {
  try {
    return defect instanceof Error && defect.message !== "" ? defect.message : String(defect)
  } catch {
    return "an unknown error"
  }
}
