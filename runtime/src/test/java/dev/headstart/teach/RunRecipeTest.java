package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.train.RecipeOptions;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RunRecipeTest {
  private static RecipeOptions options(String json) {
    HeadSettings head =
        new HeadSettings(
            "a",
            Modality.IMAGE,
            Task.SINGLE,
            "base",
            "pooled",
            HeadSettings.Keep.SAMPLES,
            JsonNodeFactory.instance.objectNode(),
            Rules.NONE,
            Instant.EPOCH);
    try {
      return RunRecipe.of(head, new ObjectMapper().readTree(json)).options();
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aRateIsANumberOrFound() {
    RecipeOptions said = options("{\"rate\": 0.01}");
    assertEquals(0.01, said.steps().rate());
    assertFalse(said.steps().findRate());
    RecipeOptions found = options("{\"rate\": \"auto\"}");
    assertNull(found.steps().rate());
    assertTrue(found.steps().findRate());
    var error = assertThrows(BadInputException.class, () -> options("{\"rate\": \"quick\"}"));
    assertTrue(error.getMessage().contains("'rate' must be a number"), error.getMessage());
  }

  @Test
  void augmentationIsReadOrRefused() {
    assertNull(options("{}").augment());
    assertEquals("flip, crop", options("{\"augment\": \"flip, crop\"}").augment());
    assertThrows(UsageException.class, () -> options("{\"augment\": \"flip,upside\"}"));
    assertThrows(UsageException.class, () -> options("{\"augment\": \"\"}"));
    assertThrows(BadInputException.class, () -> options("{\"augment\": true}"));
    assertThrows(
        UsageException.class, () -> options("{\"augment\": \"flip\", \"unfreeze\": \"2\"}"));
  }
}
