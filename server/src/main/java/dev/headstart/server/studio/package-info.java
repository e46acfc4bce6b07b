/**
 * Studio, the page for people: {@code /} and the files that it is made of, all out of the jar. What
 * the page does it does over the public HTTP API; nothing of it is here. {@code StudioFilesTest} is
 * to be read first, {@code StudioTest} then drives the page in a browser.
 */
package dev.headstart.server.studio;
