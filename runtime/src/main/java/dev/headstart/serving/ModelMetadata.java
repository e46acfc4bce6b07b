package dev.headstart.serving;

import dev.headstart.head.HeadManifest;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.Provider;
import java.util.List;
import java.util.Map;

/**
 * What a model is, for who would ask it.
 *
 * @param name the model's name
 * @param kind base model, head, or all heads of a base
 * @param version that this speaks of: the one asked for, or the live one
 * @param versions ascending
 * @param forms ways of asking; the first is what the protocol's metadata shows
 * @param outputs given without being asked for
 * @param onRequest outputs given only when named
 * @param classes names in index order, by the output whose last dimension they name; where known
 * @param maxBatch samples in one request at most; 0 where the first dimension is fixed
 * @param provider that the (base) model runs on
 * @param head the version's manifest; null unless it is one head
 */
public record ModelMetadata(
    String name,
    Kind kind,
    int version,
    List<Integer> versions,
    List<InputForm> forms,
    List<TensorInfo> outputs,
    List<TensorInfo> onRequest,
    Map<String, List<String>> classes,
    int maxBatch,
    Provider provider,
    HeadManifest head) {

  /** What kind of model it is. */
  public enum Kind {
    BASE,
    HEAD,
    /** {@code heads@BASE}: every head of one base, the backbone run once. */
    ALL_HEADS
  }
}
