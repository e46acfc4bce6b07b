package dev.headstart.cli;

import picocli.CommandLine.Option;

/** {@code --version N}, of the commands that work on one version of a head. */
final class VersionOption {
  @Option(
      names = "--version",
      paramLabel = "N",
      description = "A version's number. Default: the live one")
  private Integer version;

  /** Null for the live one. */
  Integer version() {
    return version;
  }
}
