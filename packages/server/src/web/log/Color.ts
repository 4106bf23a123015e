/** Red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number]

/** The minimum contrast between text and its background that WCAG level AA requires. */
const minimumContrast = 4.5

/** Parses `1, 2, 3` and `rgb(1, 2, 3)`. */
export const parseColor = (text: string): Color => {
  const [red = 0, green = 0, blue = 0] = (text.match(/\d+/g) ?? []).map(Number)
  return [red, green, blue]
}

/** Formats a color for CSS. */
export const formatColor = ([red, green, blue]: Color): string => `rgb(${red}, ${green}, ${blue})`

const luminance = (color: Color): number => {
  const [red, green, blue] = color.map((channel) =>
    channel <= 10 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4
  )
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

const contrast = (one: number, other: number): number => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)

const mix = (from: Color, to: number, share: number): Color => {
  const channel = (value: number): number => Math.round(value + (to - value) * share)
  return [channel(from[0]), channel(from[1]), channel(from[2])]
}

/** The color itself if it is readable on `background`, otherwise the nearest lighter or darker one that is. */
export const readable = (color: Color, background: Color): Color => {
  const ground = luminance(background)
  const extreme = contrast(ground, 1) > contrast(ground, 0) ? 255 : 0
  for (let share = 0; share < 1; share += 0.1) {
    const mixed = mix(color, extreme, share)
    if (contrast(luminance(mixed), ground) >= minimumContrast) return mixed
  }
  return [extreme, extreme, extreme]
}
