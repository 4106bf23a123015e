/** The project in the screenshots. Its containers write the same each time. */

const written = (lines: ReadonlyArray<string>, pause: number): string =>
  lines.map((line) => `echo '${line}'; sleep ${pause}`).join("; ")

/** As an array of the compose file, where a dollar sign is doubled. */
const command = (script: string): string => JSON.stringify(["sh", "-c", script.replaceAll("$", "$$$$")])

const requests = [
  "GET / 200 11208 4 ms",
  "GET /api/products 200 8214 12 ms",
  "GET /assets/shop.css 304 0 1 ms",
  "GET /api/products/earl-grey 200 1696 9 ms",
  "POST /api/cart 200 120 21 ms",
  "GET /old/catalogue.pdf 404 153 2 ms",
  "GET /api/search?q=oolong 200 2607 35 ms",
  "POST /api/orders 201 96 58 ms"
]

const messages = [
  '{"level":"info","msg":"listening","port":8080}',
  '{"level":"info","msg":"connected","database":"shop","pool":8}',
  '{"level":"info","msg":"order placed","order":51234,"total":2490}',
  '{"level":"warn","msg":"slow query","table":"orders","ms":412}',
  '{"level":"info","msg":"order placed","order":51236,"total":890}',
  '{"level":"error","msg":"payment declined","order":51235,"reason":"card expired"}'
]

/** Uses the processor a little more each time, up to some point. */
const work = "n=0; while [ $n -lt $((i % 7 * 9000)) ]; do n=$((n + 1)); done; i=$((i + 1))"

const scripts: Readonly<Record<string, string>> = {
  api: `i=0; printf '\\033[32mready\\033[0m in \\033[1m1.2 s\\033[0m\\n'; while :; do ${written(messages, 0.3)}; echo 'retrying the payment gateway' >&2; ${work}; done`,
  db: "echo 'database system is ready to accept connections'; sleep 3600",
  web: `while :; do ${written(requests, 0.4)}; done`,
  worker: `${written(["sending order confirmation 51234", "sending order confirmation 51236"], 0)}; sleep 3600`
}

/** Its compose file. */
export const shopFile = `services:
${Object.entries(scripts)
  .map(
    ([name, script]) =>
      `  ${name}: { image: busybox, init: true, stop_grace_period: 0s, network_mode: none, command: ${command(script)} }`
  )
  .join("\n")}
`
