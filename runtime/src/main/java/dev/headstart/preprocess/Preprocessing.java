package dev.headstart.preprocess;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.function.Function;

/** How a base model wants its samples: the field {@code preprocessing} of its manifest. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ImagePreprocessing.class, name = "image"),
  @JsonSubTypes.Type(value = TextPreprocessing.class, name = "text"),
  @JsonSubTypes.Type(value = TensorPreprocessing.class, name = "tensor")
})
public sealed interface Preprocessing
    permits ImagePreprocessing, TextPreprocessing, TensorPreprocessing {

  /**
   * Makes what does it.
   *
   * @param files the content of a file that the manifest names (a tokenizer), by the name it is
   *     given there
   * @return to be closed by the caller
   * @throws dev.headstart.error.BadInputException if a named file is not what it should be
   */
  Preprocessor open(Function<String, byte[]> files);
}
