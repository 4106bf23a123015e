import { describe, expect, it } from "vitest"
import { containerRow } from "../../packages/compat/src/text/containerRow.js"
import { createdDate } from "../../packages/compat/src/text/createdText.js"
import { imageRows } from "../../packages/compat/src/text/imageRows.js"
import { naturalOrder } from "../../packages/compat/src/text/naturalOrder.js"
import { bytesSize, humanSize, percentText } from "../../packages/compat/src/text/sizeText.js"

const id = (digit: string) => `sha256:${digit.repeat(64)}`

describe("the texts of the docker command", () => {
  // By Go: units.HumanSizeWithPrecision(size, 3) and units.BytesSize(size).
  it.for([
    [0, "0B", "0B"],
    [1, "1B", "1B"],
    [999, "999B", "999B"],
    [1000, "1kB", "1000B"],
    [1023, "1.02kB", "1023B"],
    [1024, "1.02kB", "1KiB"],
    [1125, "1.12kB", "1.099KiB"],
    [1135, "1.14kB", "1.108KiB"],
    [9999, "10kB", "9.765KiB"],
    [786, "786B", "786B"],
    [999_600, "1e+03kB", "976.2KiB"],
    [1_005_000, "1MB", "981.4KiB"],
    [1_048_575, "1.05MB", "1024KiB"],
    [1_984_000, "1.98MB", "1.892MiB"],
    [25_276_000_000, "25.3GB", "23.54GiB"],
    [1e15, "1PB", "909.5TiB"],
    [1e30, "1e+06YB", "8.272e+05YiB"],
    [-1, "0B", "0B"],
    [Number.NaN, "0B", "0B"]
  ] as const)("of %d bytes", ([bytes, decimal, binary]) => {
    expect([humanSize(bytes), bytesSize(bytes)]).toEqual([decimal, binary])
  })

  it.for([
    [0, "0.00%"],
    [0.125, "0.12%"],
    [0.375, "0.38%"],
    [0.005, "0.01%"],
    [0.126, "0.13%"],
    [9.995, "9.99%"],
    [99.999, "100.00%"],
    [199.996, "200.00%"],
    [1234.5, "1234.50%"],
    [Number.POSITIVE_INFINITY, "0.00%"]
  ] as const)("of %d percent", ([percent, text]) => {
    expect(percentText(percent)).toBe(text)
  })

  it("of dates: none where the engine has none", () => {
    expect(createdDate("2026-11-30T13:13:18.409036299Z")).toEqual(new Date("2026-11-30T13:13:18.409Z"))
    expect(createdDate("2026-11-30T14:13:18+01:00")).toEqual(new Date("2026-11-30T13:13:18Z"))
    for (const text of ["0001-01-01T00:00:00Z", "", "soon", undefined]) expect(createdDate(text)).toBe(null)
  })

  it("of names in order: numbers by their value, and before everything else", () => {
    const sorted = ["", "1a", "2", "02", "10", "10b", "B", "a", "a1", "a1b", "a01b", "a2", "a10", "a-b", "aa", "é"]
    for (const [index, left] of sorted.entries()) {
      for (const [other, right] of sorted.entries()) {
        expect([left, right, Math.sign(naturalOrder(left, right))]).toEqual([left, right, Math.sign(index - other)])
      }
    }
  })

  it.for([
    ["", "<no image>"],
    ["nginx", "nginx"],
    ["docker.io/library/nginx:1", "nginx:1"],
    ["docker.io/team/app", "team/app"],
    [`localhost:5000/app:2@${id("a")}`, "localhost:5000/app:2"],
    [id("b"), "b".repeat(12)]
  ] as const)("of a container's image %j", ([image, text]) => {
    const summary = {
      id: "a".repeat(64),
      name: "web",
      names: ["web"],
      image,
      imageId: id("b"),
      command: "sh",
      created: 0,
      state: "running" as const,
      status: "Up 3 seconds",
      ports: [],
      labels: {}
    }
    expect(containerRow(summary)).toEqual({
      id: "a".repeat(12),
      name: "web",
      image: text,
      status: "Up 3 seconds",
      created: "1970-01-01 00:00:00 +0000 UTC",
      ports: ""
    })
  })

  it.for([
    [[], [], [["<none>", "<none>"]]],
    [["busybox:latest"], [], [["busybox", "latest"]]],
    [
      ["a:1", "a:2", "localhost:5000/b:3"],
      [`a@${id("c")}`],
      [
        ["a", "1"],
        ["a", "2"],
        ["localhost:5000/b", "3"]
      ]
    ],
    [
      [],
      [`a@${id("c")}`, `a@${id("d")}`, `b@${id("c")}`],
      [
        ["a", "<none>"],
        ["b", "<none>"]
      ]
    ],
    [
      ["a:1"],
      [`b@${id("c")}`],
      [
        ["a", "1"],
        ["b", "<none>"]
      ]
    ],
    [["docker.io/library/c:1"], [`docker.io/library/c@${id("c")}`], [["c", "1"]]]
  ] as const)("of an image with the tags %j and the digests %j", ([tags, digests, names]) => {
    const rows = imageRows({ id: id("a"), tags, digests, created: 0, size: 1_984_000, labels: {} })
    expect(rows).toEqual(
      names.map(([repository, tag]) => ({
        repository,
        tag,
        id: "a".repeat(12),
        created: "1970-01-01 00:00:00 +0000 UTC",
        size: "1.98MB"
      }))
    )
  })
})
