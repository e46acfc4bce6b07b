package dev.headstart.preprocess;

import java.util.function.Function;

/**
 * A text is split into tokens by a Hugging Face tokenizer and cut off after {@code maxTokens}.
 *
 * @param tokenizer the file tokenizer.json: beside the manifest, or {@code classpath:…}
 * @param maxTokens the most tokens, the special ones included
 * @param inputIds the model's input for the tokens' numbers, int64 [batch, tokens]
 * @param attentionMask its input that is 1 for every token, int64 [batch, tokens]; null if it has
 *     none
 * @param tokenTypeIds its input for the segments, int64 [batch, tokens]; null if it has none
 */
public record TextPreprocessing(
    String tokenizer, int maxTokens, String inputIds, String attentionMask, String tokenTypeIds)
    implements Preprocessing {

  /**
   * @throws dev.headstart.error.BadInputException if a field is missing or out of range
   */
  public TextPreprocessing {
    Checks.require(tokenizer != null, "preprocessing.tokenizer is missing");
    Checks.require(inputIds != null, "preprocessing.inputIds is missing");
    Checks.require(
        maxTokens >= 3 && maxTokens <= 1 << 20,
        "preprocessing.maxTokens is " + maxTokens + "; expected 3 to 1048576");
  }

  @Override
  public Preprocessor open(Function<String, byte[]> files) {
    return new TextPreprocessor(this, files.apply(tokenizer));
  }
}
