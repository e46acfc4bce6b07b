package dev.headstart.gradient;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The list of operators in docs/gradients.md is that of the table. */
class GradientDocsTest {
  private static String row(String family, Stream<String> operators) {
    return "| `"
        + family
        + "` | "
        + operators.sorted().map(o -> "`" + o + "`").collect(Collectors.joining(" "))
        + " |";
  }

  private static Map<String, Consumer<RuleTable>> families() {
    Map<String, Consumer<RuleTable>> families = new LinkedHashMap<>();
    families.put("ElementwiseRules", ElementwiseRules::addTo);
    families.put("ReductionRules", ReductionRules::addTo);
    families.put("ReshapeRules", ReshapeRules::addTo);
    families.put("SelectionRules", SelectionRules::addTo);
    families.put("LinearRules", LinearRules::addTo);
    families.put("NormalisationRules", NormalisationRules::addTo);
    families.put("WindowRules", WindowRules::addTo);
    return families;
  }

  @Test
  void namesEveryOperator() throws IOException {
    String expected =
        Stream.concat(
                families().entrySet().stream()
                    .map(
                        family -> {
                          RuleTable table = new RuleTable();
                          family.getValue().accept(table);
                          return row(family.getKey(), table.operators().stream());
                        }),
                Stream.of(row("STOP_OPERATORS", GradientRules.stopOperators().stream())))
            .collect(Collectors.joining("\n"));
    String docs = Files.readString(Path.of("../docs/gradients.md"));
    assertTrue(
        docs.replace("\r", "").contains(expected),
        () -> "expected these rows in docs/gradients.md:\n" + expected);
  }
}
