package dev.headstart.server.teach;

/**
 * A sample that was not taken.
 *
 * @param name which
 * @param error why
 */
record Refused(String name, String error) {}
