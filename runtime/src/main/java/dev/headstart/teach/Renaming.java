package dev.headstart.teach;

/**
 * A class that has another name, or is gone, since versions knew it.
 *
 * @param until the newest version when it was renamed; it concerns that one and those before
 * @param from its name until then
 * @param to its name since; null if it is gone
 */
public record Renaming(int until, String from, String to) {}
