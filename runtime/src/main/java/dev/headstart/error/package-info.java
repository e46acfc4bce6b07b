/**
 * The sealed family of errors that every other package throws. Nothing comes in; what goes out is a
 * message for a person and, by its class, an exit status or an HTTP status. The command line and
 * the server each map the family in one place.
 */
package dev.headstart.error;
