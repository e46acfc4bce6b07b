/**
 * Looks at labelled samples before anything is trained on them. Features and labels come in; what
 * is sick in them goes out. Read {@code CheckupTest} first.
 */
package dev.headstart.advise;
