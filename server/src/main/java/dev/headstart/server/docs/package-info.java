/**
 * The HTTP interface described: {@code /openapi.yaml}, {@code /openapi.json} and a page that shows
 * it, {@code /docs}, all from the process itself. The document is written by hand; {@code
 * DocsTest}, which is to be read first, holds it to the routes that there are.
 */
package dev.headstart.server.docs;
