package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.artifact.Loss;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Task;
import dev.headstart.server.security.Role;
import dev.headstart.train.Recipe;
import dev.headstart.train.Schedule;
import dev.headstart.train.TeachRequest;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code headstart}: what all its commands take, and how each ends. Exit status 0 done,
 * 2 wrong usage, 3 bad input, 4 not found, 1 anything else.
 */
@Command(
    name = "headstart",
    description = "Teach a device something new, on the device, in seconds, without Python.",
    subcommands = {
      DemoCommand.class,
      AdviseCommand.class,
      TeachCommand.class,
      EvaluateCommand.class,
      PredictCommand.class,
      HeadsCommand.class,
      ModelsCommand.class,
      ArtifactsCommand.class,
      ServeCommand.class,
      KeysCommand.class,
      WorkspaceCommand.class
    },
    versionProvider = Main.Version.class,
    scope = ScopeType.INHERIT,
    synopsisSubcommandLabel = "COMMAND",
    abbreviateSynopsis = true,
    parameterListHeading = "%n",
    sortOptions = false,
    usageHelpAutoWidth = false,
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:done",
      "1:anything else",
      "2:wrong usage",
      "3:bad input: a file, a field, a sample",
      "4:not found: a head, a version, a base model, a file"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./headstart demo",
      "  ./headstart teach animals --data photos",
      "  ./headstart predict animals cat.jpg",
      "  ./headstart heads list"
    })
public final class Main implements Runnable {
  static final int DONE = 0;
  static final int ANYTHING_ELSE = 1;
  static final int WRONG_USAGE = 2;
  static final int BAD_INPUT = 3;
  static final int NOT_FOUND = 4;

  private final Console console;

  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      order = 103,
      description = "What the command takes, with examples")
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      order = 104,
      description = "The version of Headstart")
  private boolean version;

  @Option(
      names = "--workspace",
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      order = 100,
      description =
          "Where heads, features and added base models lie. Default: $HEADSTART_HOME, else"
              + " .headstart in your home")
  private Path workspace;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      order = 101,
      description = "One JSON object a result on standard output, and nothing else there")
  private boolean json;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      order = 102,
      description = "Stack traces with errors")
  private boolean debug;

  private Main(Console console) {
    this.console = console;
  }

  /** Ends the process with the exit status of the command. */
  public static void main(String[] args) {
    chooseLogging(args);
    int status = run(args, System.in, utf8(FileDescriptor.out), utf8(FileDescriptor.err));
    System.exit(status);
  }

  /** The server logs with Logback; the rest with what starts at once. */
  private static void chooseLogging(String[] args) {
    System.setProperty("slf4j.internal.verbosity", "WARN");
    System.setProperty(
        "slf4j.provider",
        Arrays.asList(args).contains("serve")
            ? "ch.qos.logback.classic.spi.LogbackServiceProvider"
            : "org.slf4j.simple.SimpleServiceProvider");
  }

  /** JSON is UTF-8 wherever it is printed, and so is the rest. */
  private static PrintStream utf8(FileDescriptor stream) {
    return new PrintStream(new FileOutputStream(stream), true, StandardCharsets.UTF_8);
  }

  /**
   * Runs a command.
   *
   * @param in read by {@code predict HEAD -} only
   * @param out for results
   * @param err for everything else
   * @return the exit status
   */
  public static int run(String[] args, InputStream in, PrintStream out, PrintStream err) {
    Main main = new Main(new Console(in, out, err));
    try {
      return main.commandLine().execute(args);
    } catch (OutOfMemoryError e) {
      main.console.error("not enough memory: give Java more, as in HEADSTART_OPTS=-Xmx4g");
      return ANYTHING_ELSE;
    } catch (Error e) {
      return main.fault(e);
    } finally {
      out.flush();
      err.flush();
    }
  }

  private CommandLine commandLine() {
    CommandLine line = new CommandLine(this);
    line.setOut(console.resultWriter());
    line.setErr(console.messageWriter());
    line.setExpandAtFiles(false); // @FILE is an input of predict
    line.setParameterExceptionHandler(this::wrongUsage);
    line.setExecutionExceptionHandler((e, at, parsed) -> failed(e, at));
    line.registerConverter(HeadKind.class, read(HeadKind::parse));
    line.registerConverter(Task.class, read(Task::of));
    line.registerConverter(Schedule.class, read(Schedule::of));
    line.registerConverter(Provider.class, read(Provider::of));
    line.registerConverter(TeachRequest.Promotion.class, read(TeachRequest.Promotion::of));
    line.registerConverter(Recipe.OptimizerName.class, oneOf(Recipe.OptimizerName.values()));
    line.registerConverter(Role.class, oneOf(Role.values()));
    line.registerConverter(Loss.class, oneOf(Loss.values()));
    line.registerConverter(
        TeachCommand.ClassWeights.class, oneOf(TeachCommand.ClassWeights.values()));
    return line;
  }

  private static <T> ITypeConverter<T> read(Function<String, T> reader) {
    return text -> {
      try {
        return reader.apply(text);
      } catch (UsageException e) {
        throw new TypeConversionException(e.getMessage());
      }
    };
  }

  private static <T> ITypeConverter<T> oneOf(T[] values) {
    return text ->
        Arrays.stream(values)
            .filter(value -> value.toString().equals(text))
            .findFirst()
            .orElseThrow(
                () ->
                    new TypeConversionException(
                        "'"
                            + text
                            + "' is not one of "
                            + Stream.of(values)
                                .map(Object::toString)
                                .collect(Collectors.joining(", "))));
  }

  /** Without a command. */
  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command?");
  }

  private int wrongUsage(ParameterException thrown, String[] args) {
    CommandLine at = thrown.getCommandLine();
    ParameterException e = thrown;
    if (e instanceof MissingParameterException && !at.getUnmatchedArguments().isEmpty()) {
      // What is missing may well be there, misspelt.
      e = new UnmatchedArgumentException(at, at.getUnmatchedArguments());
    }
    String message = e.getMessage();
    List<String> near = List.of();
    if (e instanceof UnmatchedArgumentException unmatched) {
      near = unmatched.getSuggestions();
      String first = unmatched.getUnmatched().get(0);
      if (unmatched.isUnknownOption()) {
        near =
            NotFoundException.nearest(
                    first.split("=", 2)[0], at.getCommandSpec().optionsMap().keySet())
                .map(List::of)
                .orElse(List.of());
        message =
            "unknown option '"
                + first
                + "'"
                + (first.matches("-[0-9. ].*|-.* .*")
                    ? ": a text or numbers that begin with - go behind --"
                    : "");
      } else {
        message =
            (at.getSubcommands().isEmpty() ? "unexpected argument '" : "unknown command '")
                + first
                + "'";
      }
    }
    console.error(
        message + (near.isEmpty() ? "" : ": did you mean " + String.join(" or ", near) + "?"));
    if (!at.getSubcommands().isEmpty()) {
      console.message("Commands: " + String.join(", ", at.getSubcommands().keySet()));
    }
    console.message("See: " + at.getCommandSpec().qualifiedName() + " --help");
    trace(e);
    return WRONG_USAGE;
  }

  /** The one place where errors become exit statuses. */
  private int failed(Exception e, CommandLine at) {
    if (!(e instanceof HeadstartException)) {
      return fault(e);
    }
    console.error(e.getMessage());
    trace(e);
    if (e instanceof UsageException) {
      console.message("See: " + at.getCommandSpec().qualifiedName() + " --help");
      return WRONG_USAGE;
    }
    if (e instanceof BadInputException || e instanceof ConflictException) {
      return BAD_INPUT;
    }
    return e instanceof NotFoundException ? NOT_FOUND : ANYTHING_ELSE;
  }

  private int fault(Throwable e) {
    console.error(
        "this is a fault in Headstart ("
            + e
            + ")"
            + (debug ? "" : "; run again with --debug to see where"));
    trace(e);
    return ANYTHING_ELSE;
  }

  private void trace(Throwable e) {
    if (debug) {
      console.trace(e);
    }
  }

  Console console() {
    return console;
  }

  boolean json() {
    return json;
  }

  /** What says the same workspace again, for commands that are printed. */
  String workspaceOption() {
    if (workspace == null) {
      return "";
    }
    String path = workspace.toString();
    return " --workspace " + (path.matches("[A-Za-z0-9._/~-]+") ? path : "'" + path + "'");
  }

  Path explicitWorkspace() {
    return workspace;
  }

  /** The workspace that was asked for; need not exist. */
  Path workspace() {
    if (workspace != null) {
      return workspace;
    }
    String configured = System.getenv("HEADSTART_HOME");
    if (configured != null && !configured.isBlank()) {
      return Path.of(configured);
    }
    String home = System.getenv("HOME");
    boolean none = home == null || home.isBlank();
    return Path.of(none ? System.getProperty("user.home") : home, ".headstart");
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "Headstart " + Headstart.version(), "Java " + System.getProperty("java.version")
      };
    }
  }
}
