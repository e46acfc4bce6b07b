/**
 * What serving costs beside the work itself. {@link dev.headstart.bench.load.LoadTest} compares the
 * server with bare calls of the same models and with an empty route, in one run; {@link
 * dev.headstart.bench.load.Soak} keeps it busy for long while versions change. Both start the
 * server as {@code ./headstart serve} does, and ask it over sockets.
 */
package dev.headstart.bench.load;
