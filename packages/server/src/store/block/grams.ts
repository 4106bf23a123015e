/**
 * Which sequences of four bytes a text contains, as a bitmap: says in a glance that a block cannot contain a literal. ASCII
 * letters count as lower case, so that it serves searches in either case.
 */

const largest = 16
const smallest = 9

/** The bitmap of a small text is small: four bits for each byte. */
const bitsFor = (length: number): number => {
  const needed = Math.ceil(Math.log2(Math.max(1, length * 4)))
  return Math.min(largest, Math.max(smallest, needed))
}

const folded = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte))

const mix = (gram: number, shift: number): number => Math.imul(gram, 0x9e3779b1) >>> shift

/** The bitmap of a text. */
export const gramsOf = (text: Uint8Array): Buffer => {
  const bits = bitsFor(text.length)
  const bitmap = Buffer.alloc(1 << (bits - 3))
  const shift = 32 - bits
  let gram = 0
  for (let index = 0; index < text.length; index++) {
    gram = (gram << 8) | (folded[text[index] ?? 0] ?? 0)
    if (index < 3) continue
    const bit = mix(gram, shift)
    bitmap[bit >>> 3] = (bitmap[bit >>> 3] ?? 0) | (1 << (bit & 7))
  }
  return bitmap
}

/** The sequences of a literal; none if it is too short for one. */
export const literalGrams = (literal: string): Int32Array => {
  const bytes = Buffer.from(literal)
  if (bytes.length < 4) return new Int32Array(0)
  const grams = new Int32Array(bytes.length - 3)
  let gram = 0
  for (const [index, byte] of bytes.entries()) {
    gram = (gram << 8) | (folded[byte] ?? 0)
    if (index >= 3) grams[index - 3] = gram
  }
  return grams
}

/** Whether a text with this bitmap may contain a literal with these sequences. */
export const mayContain = (bitmap: Uint8Array, grams: Int32Array): boolean => {
  const shift = 32 - Math.log2(bitmap.length * 8)
  for (const gram of grams) {
    const bit = mix(gram, shift)
    if (((bitmap[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false
  }
  return true
}
