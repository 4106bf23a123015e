/** Whether this is a run of continuous integration, where a part that is missing is a failure. */
export const isCi = (process.env["CI"] ?? "") !== "" && process.env["CI"] !== "false"
