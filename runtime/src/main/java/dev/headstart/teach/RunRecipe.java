package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.artifact.Loss;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.train.Recipe;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.Schedule;
import dev.headstart.train.TeachRequest.Promotion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What a run's recipe says: an object whose keys are the long options of {@code teach} in camel
 * case, as docs/http-api.md has them.
 *
 * @param cut a tap, a tensor or {@code auto}; null for the head's own
 * @param promotion null for what the head's rules say
 */
record RunRecipe(RecipeOptions options, String cut, Promotion promotion) {

  /**
   * The head's recipe with what a request says in place of it; null in a request for what the head
   * says no more.
   *
   * @throws BadInputException if one of them is no object
   */
  static ObjectNode merged(JsonNode ofHead, JsonNode asked) {
    ObjectNode merged = JsonNodeFactory.instance.objectNode();
    for (JsonNode part : Arrays.asList(ofHead, asked)) {
      if (part == null || part.isNull() || part.isMissingNode()) {
        continue;
      }
      if (!part.isObject()) {
        throw new BadInputException("a recipe must be an object, not " + part);
      }
      merged.setAll((ObjectNode) part);
    }
    merged.properties().removeIf(entry -> entry.getValue().isNull());
    return merged;
  }

  /**
   * Reads a recipe.
   *
   * @throws BadInputException naming the key that is unknown, or whose value is none
   * @throws UsageException if the values contradict each other or the head, or are out of range
   */
  static RunRecipe of(HeadSettings head, JsonNode recipe) {
    Fields fields = new Fields(merged(null, recipe));
    RecipeOptions options =
        new RecipeOptions(
            fields.named("kind", HeadKind::parse),
            head.task(),
            new RecipeOptions.LossOptions(
                fields.among("loss", Loss.values()),
                fields.number("labelSmoothing"),
                balanced(fields.text("classWeights"))),
            new RecipeOptions.OptimizerOptions(
                fields.among("optimizer", Recipe.OptimizerName.values()),
                fields.finds("rate") ? null : fields.number("rate"),
                fields.among("schedule", Schedule.values()),
                fields.number("warmup"),
                fields.number("weightDecay"),
                fields.number("clip"),
                fields.finds("rate")),
            new RecipeOptions.Passes(
                fields.integer("epochs"), fields.integer("batch"), fields.integer("accumulate")),
            new RecipeOptions.Judging(
                fields.number("validation"), fields.integer("patience"), fields.flag("refit")),
            new RecipeOptions.FineTuning(
                fields.unfreeze(),
                fields.texts("freeze"),
                fields.number("baseRate"),
                start(fields.flag("warmStart")),
                fields.integer("gradual"),
                fields.among("batchNorm", Recipe.BatchNorm.values())),
            fields.text("augment"),
            fields.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE));
    String cut = fields.text("cut");
    Promotion promotion = fields.among("promote", Promotion.values());
    fields.requireKnown();
    options.resolve(head.task(), 1); // refuses what is out of range
    if (head.base() == null && cut != null && !cut.equals("auto")) {
      throw new BadInputException(
          "'cut' needs a base model, and feature vectors have none: leave it out");
    }
    return new RunRecipe(options, cut, promotion);
  }

  private static Boolean balanced(String weights) {
    if (weights == null) {
      return null;
    }
    if (!weights.equals("balanced") && !weights.equals("none")) {
      throw new BadInputException("'classWeights' must be balanced or none, got '" + weights + "'");
    }
    return weights.equals("balanced");
  }

  private static RecipeOptions.Start start(Boolean warm) {
    return warm == null
        ? RecipeOptions.Start.WARM_IF_ALIKE
        : warm ? RecipeOptions.Start.WARM : RecipeOptions.Start.FRESH;
  }

  /** The fields of an object, and which of them were asked for. */
  private static final class Fields {
    private final ObjectNode object;
    private final Set<String> known = new TreeSet<>();

    Fields(ObjectNode object) {
      this.object = object;
    }

    private JsonNode field(String name) {
      known.add(name);
      return object.get(name);
    }

    String text(String name) {
      JsonNode value = field(name);
      if (value != null && !value.isTextual()) {
        throw wrong(name, "a text", value);
      }
      return value == null ? null : value.textValue();
    }

    <T> T named(String name, Function<String, T> parse) {
      String text = text(name);
      return text == null ? null : parse.apply(text);
    }

    <T> T among(String name, T[] values) {
      String text = text(name);
      if (text == null) {
        return null;
      }
      return Arrays.stream(values)
          .filter(value -> value.toString().equals(text))
          .findFirst()
          .orElseThrow(() -> wrong(name, "one of " + Arrays.toString(values), object.get(name)));
    }

    Double number(String name) {
      JsonNode value = field(name);
      if (value != null && !value.isNumber()) {
        throw wrong(name, "a number", value);
      }
      return value == null ? null : value.doubleValue();
    }

    /** Whether a number is to be found. */
    boolean finds(String name) {
      JsonNode value = field(name);
      return value != null && value.isTextual() && value.textValue().equals("auto");
    }

    Long whole(String name, long least, long most) {
      JsonNode value = field(name);
      if (value == null) {
        return null;
      }
      if (!value.isIntegralNumber()
          || !value.canConvertToLong()
          || value.longValue() < least
          || value.longValue() > most) {
        throw wrong(name, "a whole number", value);
      }
      return value.longValue();
    }

    Integer integer(String name) {
      Long value = whole(name, Integer.MIN_VALUE, Integer.MAX_VALUE);
      return value == null ? null : value.intValue();
    }

    Boolean flag(String name) {
      JsonNode value = field(name);
      if (value != null && !value.isBoolean()) {
        throw wrong(name, "true or false", value);
      }
      return value == null ? null : value.booleanValue();
    }

    /** A number of blocks may be a number. */
    String unfreeze() {
      JsonNode value = field("unfreeze");
      return value != null && value.isIntegralNumber() ? value.asText() : text("unfreeze");
    }

    List<String> texts(String name) {
      JsonNode value = field(name);
      if (value == null) {
        return List.of();
      }
      List<String> texts = new ArrayList<>();
      for (JsonNode one : value.isArray() ? value : object.arrayNode().add(value)) {
        if (!one.isTextual()) {
          throw wrong(name, "a text, or a list of texts", value);
        }
        texts.add(one.textValue());
      }
      return texts;
    }

    void requireKnown() {
      for (var names = object.fieldNames(); names.hasNext(); ) {
        String name = names.next();
        if (!known.contains(name)) {
          throw new BadInputException(
              "a recipe has no '" + name + "', only " + String.join(", ", known));
        }
      }
    }

    private static BadInputException wrong(String name, String expected, JsonNode value) {
      return new BadInputException("'" + name + "' must be " + expected + ", not " + value);
    }
  }
}
