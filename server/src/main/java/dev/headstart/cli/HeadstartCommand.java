package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.ort.Provider;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What every command has at hand. */
abstract class HeadstartCommand implements Callable<Integer> {
  @Spec CommandSpec spec;

  /** The exit status, if the command does not throw. */
  @Override
  public abstract Integer call();

  private Main main() {
    return (Main) spec.root().userObject();
  }

  final Console console() {
    return main().console();
  }

  /** Whether results are printed as JSON. */
  final boolean json() {
    return main().json();
  }

  /** The workspace that was asked for; need not exist. */
  final Path workspace() {
    return main().workspace();
  }

  /** The workspace that {@code --workspace} names; null if it was not given. */
  final Path explicitWorkspace() {
    return main().explicitWorkspace();
  }

  /** Opens the workspace; the caller closes it. */
  final Headstart open() {
    return Headstart.open(main().workspace());
  }

  final Headstart open(List<Provider> providers) {
    return Headstart.open(main().workspace(), providers);
  }

  /** A command line that continues this one, for "what to type next". */
  final String next(String rest) {
    Main main = main();
    return "  ./headstart " + rest + main.workspaceOption();
  }
}
