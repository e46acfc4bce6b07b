package dev.headstart.preprocess;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Tokenises texts with the Rust library of Hugging Face, through DJL.
 *
 * <p>The native library lies in the jar and is copied once to {@code tokenizers} in {@code
 * ENGINE_CACHE_DIR} or {@code DJL_CACHE_DIR} (environment or system property; {@code ~/.djl.ai}
 * without them), by an atomic rename, so that several processes may start at once. Nothing is
 * downloaded and nothing is reported to anybody.
 */
final class TextPreprocessor implements Preprocessor {

  /** To be raised when other tensors come out for some text. */
  private static final int CODE = 1;

  static {
    // DJL's tokenizers report their use to their makers at each start, and look for other natives
    // on the network where there is a GPU. Each of these stops the report, the second one both; the
    // environment has the last word on either, so that only who sets both back can undo it.
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
  }

  private final TextPreprocessing spec;
  private final String fingerprint;
  private final HuggingFaceTokenizer tokenizer;

  /**
   * @param tokenizerJson the content of tokenizer.json
   * @throws BadInputException if that is not a tokenizer
   * @throws FailureException if this platform has no native tokenizer or it cannot be copied
   */
  TextPreprocessor(TextPreprocessing spec, byte[] tokenizerJson) {
    this.spec = spec;
    fingerprint = "text-" + CODE + " " + spec + " " + Sample.sha256(tokenizerJson);
    Map<String, String> options =
        Map.of(
            "addSpecialTokens", "true",
            "truncation", "true",
            "padding", "false",
            "maxLength", Integer.toString(spec.maxTokens()),
            "modelMaxLength", Integer.toString(spec.maxTokens()));
    try {
      tokenizer =
          HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(tokenizerJson), options);
    } catch (IOException e) {
      throw new BadInputException(spec.tokenizer() + " cannot be read: " + e.getMessage(), e);
    } catch (LinkageError | ai.djl.engine.EngineException e) {
      throw new FailureException(
          "the native tokenizer cannot be loaded ("
              + e.getMessage()
              + "); ENGINE_CACHE_DIR names the folder that it is copied to, which must be writable",
          e);
    } catch (RuntimeException e) {
      // The native library throws a plain RuntimeException for JSON that is no tokenizer.
      throw new BadInputException(
          spec.tokenizer() + " is not a Hugging Face tokenizer.json: " + e.getMessage(), e);
    }
  }

  /** int64 [1, T] each, T the number of tokens with the special ones, at most maxTokens. */
  @Override
  public Map<String, Tensor> apply(Sample sample) {
    String text = Checks.as(TextSample.class, sample).text();
    Encoding encoding = tokenizer.encode(text);
    long[] ids = encoding.getIds();
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    inputs.put(spec.inputIds(), Tensor.of(ids, 1, ids.length));
    if (spec.attentionMask() != null) {
      inputs.put(spec.attentionMask(), Tensor.of(encoding.getAttentionMask(), 1, ids.length));
    }
    if (spec.tokenTypeIds() != null) {
      inputs.put(spec.tokenTypeIds(), Tensor.of(encoding.getTypeIds(), 1, ids.length));
    }
    return inputs;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
