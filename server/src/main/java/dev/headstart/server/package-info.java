/**
 * The server process: settings come in, a running {@link dev.headstart.server.Server} goes out. The
 * packages below it are a feature each. Read {@code SettingsTest} first.
 */
package dev.headstart.server;
