import { describe, expect, it } from "vitest"
import { dockerfileImages } from "../../../packages/core/src/internal/build/classic/dockerfileImages.js"

interface Row {
  readonly what: string
  readonly dockerfile: string
  readonly images: ReadonlyArray<string>
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly target?: string
}

const rows: ReadonlyArray<Row> = [
  {
    what: "FROM in any case, with flags and a name",
    dockerfile: "from --platform=linux/amd64 a/b:1 as x",
    images: ["a/b:1"]
  },
  {
    what: "stages, numbers and scratch are no images",
    dockerfile: "FROM a AS One\nFROM one\nFROM scratch\nCOPY --from=one x y\nCOPY --from=0 x y\nCOPY --from=9 x y",
    images: ["a", "9"]
  },
  {
    what: "COPY --from with other flags",
    dockerfile: "FROM a\nCOPY --chown=1:1 --from=r:5000/b /x /y",
    images: ["a", "r:5000/b"]
  },
  {
    what: "RUN --mount with from",
    dockerfile: "FROM a\nRUN --mount=type=bind,from=r:5000/c,target=/x --mount=from=d true",
    images: ["a", "r:5000/c", "d"]
  },
  {
    what: "RUN that only prints such words",
    dockerfile: 'FROM a\nRUN echo --from=b "COPY --from=c x y"',
    images: ["a"]
  },
  {
    what: "arguments with defaults, in all forms",
    dockerfile:
      "ARG A=r:1/a\nARG B=\"${A}-b\" C='x'\nFROM $A\nFROM ${B}:${T:-1.0}\nFROM ${N-none}${C:+:c}\nFROM ${EMPTY}q",
    images: ["r:1/a", "r:1/a-b:1.0", "none:c", "q"]
  },
  {
    what: "build arguments instead of defaults",
    dockerfile: "ARG A=r:1/a\nFROM $A",
    buildArgs: { A: "r:2/b" },
    images: ["r:2/b"]
  },
  { what: "no build arguments that are not declared", dockerfile: "FROM a$A", buildArgs: { A: "x" }, images: ["a"] },
  { what: "no arguments of a stage", dockerfile: "FROM a\nARG B=r:1/b\nFROM $B", images: ["a"] },
  {
    what: "lines that go on, with comments between",
    dockerfile: "FROM \\\n# FROM x\n\n  a \\\n  AS b\nFROM b",
    images: ["a"]
  },
  { what: "another escape character", dockerfile: "# escape=`\nFROM `\n a\\b", images: ["a\\b"] },
  {
    what: "carriage returns and a byte order mark",
    dockerfile: "\ufeffFROM a\r\nCOPY --from=b x y\r\n",
    images: ["a", "b"]
  },
  { what: "comments", dockerfile: "# FROM x\n  # FROM y\nFROM a # no comment", images: ["a"] },
  {
    what: "nothing behind the target",
    dockerfile: "FROM a AS one\nCOPY --from=b x y\nFROM c",
    target: "ONE",
    images: ["a", "b"]
  },
  {
    what: "nothing behind the target by its number",
    dockerfile: "FROM a\nFROM b\nFROM c",
    target: "1",
    images: ["a", "b"]
  },
  { what: "nothing in an empty file", dockerfile: "", images: [] }
]

describe("the images of a Dockerfile", () => {
  it.each(rows)("$what", ({ buildArgs = {}, dockerfile, images, target }) => {
    expect([...dockerfileImages(dockerfile, new Map(Object.entries(buildArgs)), target)]).toEqual(images)
  })
})
