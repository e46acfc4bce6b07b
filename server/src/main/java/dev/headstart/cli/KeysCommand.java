package dev.headstart.cli;

import com.github.freva.asciitable.Column;
import dev.headstart.server.security.ApiKey;
import dev.headstart.server.security.ApiKeys;
import dev.headstart.server.security.Role;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code keys}: who may ask the server. */
@Command(
    name = "keys",
    description = "Keys that clients of the server show. A running server sees changes at once.",
    subcommands = {KeysCommand.Add.class, KeysCommand.ListAll.class, KeysCommand.Remove.class},
    footer = {
      "  ./headstart keys add camera --role predict",
      "  ./headstart keys list",
      "  ./headstart keys remove camera"
    })
final class KeysCommand extends HeadstartCommand {

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "what about keys?");
  }

  private static ApiKeys keys(HeadstartCommand command) {
    return new ApiKeys(command.workspace().toAbsolutePath().normalize());
  }

  @Command(
      name = "add",
      description = {
        "Makes a key and shows it, this once.",
        "Roles: predict (ask models), teach (teach heads as well), admin (everything)."
      },
      footer = "  ./headstart keys add camera --role predict")
  static final class Add extends HeadstartCommand {
    @Parameters(paramLabel = "NAME", description = "What its owner is called")
    private String name;

    @Option(
        names = "--role",
        paramLabel = "ROLE",
        description = "predict, teach or admin. Default: predict")
    private Role role = Role.PREDICT;

    @Override
    public Integer call() {
      String key = keys(this).add(name, role);
      if (json()) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("name", name);
        answer.put("role", role.toString());
        answer.put("key", key);
        console().json(answer);
      } else {
        console().print(key);
        console()
            .message(
                "The key '"
                    + name
                    + "' may "
                    + role
                    + ". It cannot be shown again. Clients send it as\n"
                    + "Authorization: Bearer KEY, or X-API-Key: KEY.");
      }
      return Main.DONE;
    }
  }

  @Command(
      name = "list",
      description = "All keys, by name; what is stored does not tell the keys themselves.",
      footer = "  ./headstart keys list")
  static final class ListAll extends HeadstartCommand {
    @Override
    public Integer call() {
      List<ApiKey> keys = keys(this).list();
      if (json()) {
        for (ApiKey key : keys) {
          Map<String, Object> answer = new LinkedHashMap<>();
          answer.put("name", key.name());
          answer.put("role", key.role().toString());
          answer.put("made", key.made().toString());
          console().json(answer);
        }
      } else if (keys.isEmpty()) {
        console().message("There are no keys yet. To make one:");
        console().message(next("keys add NAME --role predict"));
      } else {
        console()
            .print(
                Figures.table(
                    new Column[] {
                      Figures.left("key", 32), Figures.left("role", 8), Figures.left("made", 20)
                    },
                    keys.stream()
                        .map(key -> new Object[] {key.name(), key.role(), key.made()})
                        .toArray(Object[][]::new)));
      }
      return Main.DONE;
    }
  }

  @Command(
      name = "remove",
      description = "Makes a key worthless.",
      footer = "  ./headstart keys remove camera")
  static final class Remove extends HeadstartCommand {
    @Parameters(paramLabel = "NAME", description = "The key's name")
    private String name;

    @Override
    public Integer call() {
      keys(this).remove(name);
      if (json()) {
        console().json(Map.of("removed", name));
      } else {
        console().print("The key " + name + " is removed.");
      }
      return Main.DONE;
    }
  }
}
