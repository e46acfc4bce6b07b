/**
 * Certificates: PEM files, or the server's own, come in; what both transports encrypt with goes
 * out, and follows the files when they change. Read {@code TlsTest} first.
 */
package dev.headstart.server.tls;
