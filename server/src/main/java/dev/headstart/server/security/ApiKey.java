package dev.headstart.server.security;

import java.time.Instant;

/**
 * A key as it is remembered; the key itself is not.
 *
 * @param name what its owner is called in lists and logs
 * @param role what its owner may do
 * @param sha256 of the key, lower-case hexadecimal
 * @param made when
 */
public record ApiKey(String name, Role role, String sha256, Instant made) {}
