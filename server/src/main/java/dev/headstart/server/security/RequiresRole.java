package dev.headstart.server.security;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The role that a route needs, where keys are asked for; on a class, that of all its routes. A
 * route without it needs {@link Role#ADMIN}, or is {@link Open}.
 */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface RequiresRole {
  /** The least role. */
  Role value();

  /** A route that needs no key: probes of the machine that keeps the server running. */
  @Inherited
  @Retention(RetentionPolicy.RUNTIME)
  @Target({ElementType.TYPE, ElementType.METHOD})
  @interface Open {}
}
