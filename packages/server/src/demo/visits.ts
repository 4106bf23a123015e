/** Who comes to the demo's shop, and what they ask for. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { happens, oneOf } from "./chance.js"

/** A request as it comes from outside. */
export interface Visit {
  readonly address: string
  readonly agent: string
  readonly referrer: string
  readonly method: "GET" | "POST"
  readonly path: string
  readonly kind: "page" | "asset" | "api" | "order" | "missing"
}

const agents = [
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
] as const

const robot = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/about)"

/** From the ranges that are kept for documentation. */
const address = Effect.gen(function* () {
  const network = yield* oneOf(["192.0.2", "198.51.100", "203.0.113"])
  return `${network}.${yield* Random.nextIntBetween(2, 254)}`
})

const products = ["kettle", "teapot", "cup-and-saucer", "strainer", "earl-grey", "sencha", "oolong", "honey"] as const
const assets = ["/assets/shop.4f1c9a.css", "/assets/shop.b07e31.js", "/images/teapot.webp", "/favicon.ico"] as const
const strays = ["/wp-login.php", "/.env", "/robots.txt", "/old/catalogue.pdf"] as const

/** The next one. */
export const nextVisit: Effect.Effect<Visit> = Effect.gen(function* () {
  const agent = yield* oneOf(agents)
  const product = yield* oneOf(products)
  const page = `https://shop.example/products/${product}`
  const person = { address: yield* address, agent, referrer: page, method: "GET" } as const
  const kind = yield* Random.next
  if (kind < 0.06) return { ...person, kind: "missing", path: yield* oneOf(strays), agent: robot, referrer: "-" }
  if (kind < 0.24) return { ...person, kind: "asset", path: yield* oneOf(assets) }
  if (kind < 0.46) {
    const found = yield* happens(0.3)
    const referrer = found ? "https://search.example/" : "-"
    return { ...person, kind: "page", path: found ? `/products/${product}` : "/", referrer }
  }
  if (kind < 0.56) return { ...person, kind: "order", method: "POST", path: "/api/orders" }
  if (kind < 0.68) return { ...person, kind: "api", method: "POST", path: "/api/cart" }
  if (kind < 0.8) return { ...person, kind: "api", path: `/api/search?q=${product.slice(0, 4)}` }
  return { ...person, kind: "api", path: `/api/products/${product}` }
})
