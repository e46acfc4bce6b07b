/**
 * The teaching API, {@code /v1}: heads, samples, runs, versions, feedback, events and sessions,
 * each a controller over {@link dev.headstart.teach.Teaching}. Requests come in, JSON and
 * server-sent events go out; docs/http-api.md says what they hold. Read {@code TeachOverHttpTest}
 * first.
 */
package dev.headstart.server.teach;
