package dev.headstart.sample;

import java.util.Iterator;

/**
 * One pass over a data set, holding no more than one item in memory. For one thread; the caller
 * closes it, after the last item or before. {@code next} throws {@link
 * dev.headstart.error.BadInputException} when the data set as a whole cannot be used.
 */
public interface Items extends Iterator<Item>, AutoCloseable {

  /** Closes the file that is being read, if there is one; idempotent. */
  @Override
  void close();
}
