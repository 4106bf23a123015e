/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number]

/** The least contrast of text to what is behind it, as the accessibility guidelines ask for. */
const enough = 4.5

/** Reads `1, 2, 3` and `rgb(1, 2, 3)`. */
export const parseColour = (text: string): Colour => {
  const [red = 0, green = 0, blue = 0] = (text.match(/\d+/g) ?? []).map(Number)
  return [red, green, blue]
}

/** For a style's `color`. */
export const formatColour = ([red, green, blue]: Colour): string => `rgb(${red}, ${green}, ${blue})`

const luminance = (colour: Colour): number => {
  const [red, green, blue] = colour.map((part) =>
    part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4
  )
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

const contrast = (one: number, other: number): number => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)

const mix = (from: Colour, to: number, share: number): Colour => {
  const at = (part: number): number => Math.round(part + (to - part) * share)
  return [at(from[0]), at(from[1]), at(from[2])]
}

/** The colour itself where it can be read on `behind`, else as much lighter or darker as it takes. */
export const readable = (colour: Colour, behind: Colour): Colour => {
  const ground = luminance(behind)
  const to = contrast(ground, 1) > contrast(ground, 0) ? 255 : 0
  for (let share = 0; share < 1; share += 0.1) {
    const mixed = mix(colour, to, share)
    if (contrast(luminance(mixed), ground) >= enough) return mixed
  }
  return [to, to, to]
}
