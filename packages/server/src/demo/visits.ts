/** The visitors of the demo's shop, and their requests. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { pickOne, withProbability } from "./chance.js"

/** A request from the internet. */
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

const crawler = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/about)"

/** An address from the ranges reserved for documentation. */
const address = Effect.gen(function* () {
  const network = yield* pickOne(["192.0.2", "198.51.100", "203.0.113"])
  return `${network}.${yield* Random.nextIntBetween(2, 254)}`
})

const products = ["kettle", "teapot", "cup-and-saucer", "strainer", "earl-grey", "sencha", "oolong", "honey"] as const
const assets = ["/assets/shop.4f1c9a.css", "/assets/shop.b07e31.js", "/images/teapot.webp", "/favicon.ico"] as const
const missingPaths = ["/wp-login.php", "/.env", "/robots.txt", "/old/catalogue.pdf"] as const

/** Generates a random request. */
export const nextVisit: Effect.Effect<Visit> = Effect.gen(function* () {
  const agent = yield* pickOne(agents)
  const product = yield* pickOne(products)
  const page = `https://shop.example/products/${product}`
  const visit = { address: yield* address, agent, referrer: page, method: "GET" } as const
  const kind = yield* Random.next
  if (kind < 0.06)
    return { ...visit, kind: "missing", path: yield* pickOne(missingPaths), agent: crawler, referrer: "-" }
  if (kind < 0.24) return { ...visit, kind: "asset", path: yield* pickOne(assets) }
  if (kind < 0.46) {
    const fromSearch = yield* withProbability(0.3)
    const referrer = fromSearch ? "https://search.example/" : "-"
    return { ...visit, kind: "page", path: fromSearch ? `/products/${product}` : "/", referrer }
  }
  if (kind < 0.56) return { ...visit, kind: "order", method: "POST", path: "/api/orders" }
  if (kind < 0.68) return { ...visit, kind: "api", method: "POST", path: "/api/cart" }
  if (kind < 0.8) return { ...visit, kind: "api", path: `/api/search?q=${product.slice(0, 4)}` }
  return { ...visit, kind: "api", path: `/api/products/${product}` }
})
