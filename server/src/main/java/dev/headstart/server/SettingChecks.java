package dev.headstart.server;

import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.ort.Provider;
import java.time.Duration;

/** What records of settings demand of their values. */
public final class SettingChecks {
  private SettingChecks() {}

  /** What is thrown for a wrong value. */
  public static BadInputException wrong(String name, String expected, Object given) {
    return new BadInputException(name + " must be " + expected + ", not '" + given + "'");
  }

  /**
   * @throws BadInputException if the value is not from {@code least} to {@code most}
   */
  public static void within(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw wrong(name, "from " + least + " to " + most, value);
    }
  }

  /**
   * @throws BadInputException if the time is not longer than nothing
   */
  public static void positive(String name, Duration time) {
    if (time.isNegative() || time.isZero()) {
      throw wrong(name, "longer than nothing", time);
    }
  }

  static Provider provider(String name, String given) {
    try {
      return Provider.of(given);
    } catch (UsageException e) {
      throw new BadInputException(name + ": " + e.getMessage(), e);
    }
  }
}
