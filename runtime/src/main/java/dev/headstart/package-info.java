/**
 * The façade: {@link dev.headstart.Headstart} opens a workspace and teaches, predicts, evaluates
 * and exports. Everything below it can be used on its own.
 *
 * <p>Read {@code HeadstartTest} first.
 */
package dev.headstart;
