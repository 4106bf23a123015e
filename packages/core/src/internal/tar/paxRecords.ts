/** The records of an extended header of the POSIX format, in which keys and values are byte strings. */
export type PaxRecords = ReadonlyMap<string, string>

/** Encodes a record. Its length counts its own digits. */
export const paxRecord = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length
  return `${length}${rest}`
}

/** Parses records. Returns `undefined` if they are malformed. A later record replaces one with the same key. */
export const parsePaxRecords = (text: string): PaxRecords | undefined => {
  const records = new Map<string, string>()
  for (let start = 0; start < text.length;) {
    const [digits = ""] = /^[1-9]\d{0,8}(?= )/.exec(text.slice(start, start + 10)) ?? []
    const end = start + Number(digits)
    const record = text.slice(start + digits.length + 1, end)
    const separator = record.indexOf("=")
    if (digits === "" || end > text.length || separator < 1 || !record.endsWith("\n")) return undefined
    records.set(record.slice(0, separator), record.slice(separator + 1, -1))
    start = end
  }
  return records
}

/** Records that are kept as they are: they say nothing about where or how long an entry is. */
const kept =
  /^(mtime|atime|ctime|uname|gname|hdrcharset|comment|LIBARCHIVE\.creationtime|SCHILY\.fflags|(SCHILY|LIBARCHIVE)\.xattr\..+|SCHILY\.acl\..+|RHT\.security\.selinux)$/

/** Whether a record may be sent on, as it does not change which file an entry becomes. */
export const isKeptRecord = (key: string): boolean => kept.test(key)

/** Whether a record marks a sparse file, whose content is stored without its holes. */
export const isSparseRecord = (key: string): boolean => /^(GNU\.sparse\.|SUN\.holesdata$|SCHILY\.realsize$)/.test(key)
