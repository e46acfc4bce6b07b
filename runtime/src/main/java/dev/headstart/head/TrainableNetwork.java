package dev.headstart.head;

import dev.headstart.confidence.Temperature;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Map;

/** What training makes better: a graph from features to logits, and its parameters. */
public sealed interface TrainableNetwork permits HeadNetwork, TailNetwork {

  /**
   * The forward graph that trains: inputs as its features are, output {@value HeadNetwork#LOGITS}
   * float32 [batch, outputs].
   */
  OnnxModel network();

  /** The names of the parameters that train. */
  List<String> trainable();

  /** Those of them that were trained before, as a part of the base: they learn more slowly. */
  List<String> pretrained();

  /** The same network with some of its weights replaced. */
  TrainableNetwork with(Map<String, Tensor> replaced);

  /**
   * The model that serves: the cut's tensors in, {@value HeadNetwork#SCORES} out.
   *
   * @param cut shape of the cut's own tensor for one sample, without the batch
   * @param task decides what becomes of the logits
   * @param target for regression, the targets' mean and deviation; else ignored
   * @param temperature that logits are divided by first; ignored for regression
   */
  OnnxModel serving(long[] cut, Task task, Scaling target, float temperature);

  /** The same without a temperature. */
  default OnnxModel serving(long[] cut, Task task, Scaling target) {
    return serving(cut, task, target, Temperature.NONE);
  }

  /** Threads that a training step is worth: a small one is done before a second has begun. */
  int threads();
}
