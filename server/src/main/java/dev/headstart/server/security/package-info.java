/**
 * Who may ask, and how: keys and their roles, names and origins, slow clients. Requests of both
 * transports come in and go on, or are refused. Read {@code AccessTest} first, then {@code
 * HostileTest}.
 */
package dev.headstart.server.security;
