package dev.headstart.cli;

import dev.headstart.ort.Provider;
import java.util.List;
import picocli.CommandLine.Option;

/** {@code --provider}, of the commands that run a backbone. */
final class ProviderOption {
  @Option(
      names = "--provider",
      paramLabel = "NAME",
      split = ",",
      order = 90,
      description =
          "Execution providers of the base model, in order of preference: cpu, cuda,"
              + " tensorrt, openvino, dnnl, coreml, xnnpack. What is not there is passed over. Default:"
              + " cpu")
  private List<Provider> providers = List.of(Provider.CPU);

  List<Provider> providers() {
    return providers;
  }
}
