/**
 * The command line: arguments come in, results go out on standard output, everything else on
 * standard error, and an exit status.
 *
 * <p>{@link dev.headstart.cli.Main} says what every command takes and maps errors to exit statuses,
 * the one place that does; a class each for the commands. Read {@code CommandLineTest} first.
 */
package dev.headstart.cli;
