SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  // The default asks an outside server whether the document is sound.
  validatorUrl: null,
});
