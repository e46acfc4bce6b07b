/**
 * What those who run the server see of it: health, metrics, logs with request ids, spans, and how
 * it stops. Read {@code MetricsTest} and {@code DrainTest} first.
 */
package dev.headstart.server.operation;
