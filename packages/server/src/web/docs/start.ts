/** Shows the API with Swagger UI, which the page has loaded. */

interface SwaggerOptions {
  readonly url: string
  readonly dom_id: string
  readonly validatorUrl: null
  readonly docExpansion: "list"
  readonly defaultModelsExpandDepth: number
  readonly tryItOutEnabled: boolean
}

declare const SwaggerUIBundle: (options: SwaggerOptions) => unknown

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  // It would send the document to a service on the Internet.
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false
})

export {}
