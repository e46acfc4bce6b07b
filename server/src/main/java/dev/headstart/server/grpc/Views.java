package dev.headstart.server.grpc;

import dev.headstart.onnx.TensorInfo;
import dev.headstart.server.grpc.proto.DataType;
import dev.headstart.server.grpc.proto.InferBatchStatistics;
import dev.headstart.server.grpc.proto.InferStatistics;
import dev.headstart.server.grpc.proto.ModelConfig;
import dev.headstart.server.grpc.proto.ModelConfigResponse;
import dev.headstart.server.grpc.proto.ModelInput;
import dev.headstart.server.grpc.proto.ModelInstanceGroup;
import dev.headstart.server.grpc.proto.ModelMetadataResponse;
import dev.headstart.server.grpc.proto.ModelMetadataResponse.TensorMetadata;
import dev.headstart.server.grpc.proto.ModelOutput;
import dev.headstart.server.grpc.proto.ModelParameter;
import dev.headstart.server.grpc.proto.ModelStatisticsResponse;
import dev.headstart.server.grpc.proto.RepositoryIndexResponse;
import dev.headstart.server.grpc.proto.RepositoryIndexResponse.ModelIndex;
import dev.headstart.server.grpc.proto.StatisticDuration;
import dev.headstart.server.protocol.ModelConfiguration;
import dev.headstart.server.protocol.TensorSpec;
import dev.headstart.serving.ModelMetadata;
import dev.headstart.serving.ModelStatistics;
import dev.headstart.serving.ModelStatus;
import java.util.List;

/** What is known of models, as the protocol's messages say it. */
final class Views {

  private Views() {}

  static ModelMetadataResponse metadata(ModelMetadata model) {
    ModelMetadataResponse.Builder answer =
        ModelMetadataResponse.newBuilder()
            .setName(model.name())
            .setPlatform(ModelConfiguration.PLATFORM);
    model.versions().forEach(version -> answer.addVersions(version.toString()));
    model.forms().get(0).inputs().forEach(input -> answer.addInputs(tensor(input)));
    model.outputs().forEach(output -> answer.addOutputs(tensor(output)));
    return answer.build();
  }

  private static TensorMetadata tensor(TensorInfo info) {
    TensorSpec spec = TensorSpec.of(info);
    TensorMetadata.Builder tensor =
        TensorMetadata.newBuilder().setName(spec.name()).setDatatype(spec.datatype().name());
    for (long dim : spec.shape()) {
      tensor.addShape(dim);
    }
    return tensor.build();
  }

  static ModelConfigResponse configuration(ModelMetadata model) {
    ModelConfiguration configuration = ModelConfiguration.of(model);
    ModelConfig.Builder config =
        ModelConfig.newBuilder()
            .setName(configuration.name())
            .setPlatform(configuration.platform())
            .setBackend(configuration.backend())
            .setMaxBatchSize(configuration.maxBatchSize())
            .addInstanceGroup(
                ModelInstanceGroup.newBuilder()
                    .setName(configuration.name())
                    .setCount(1)
                    .setKind(ModelInstanceGroup.Kind.valueOf(configuration.instanceKind())));
    for (ModelConfiguration.Value input : configuration.input()) {
      ModelInput.Builder value =
          ModelInput.newBuilder()
              .setName(input.name())
              .setDataType(DataType.valueOf(input.dataType()));
      for (long dim : input.dims()) {
        value.addDims(dim);
      }
      config.addInput(value);
    }
    for (ModelConfiguration.Value output : configuration.output()) {
      ModelOutput.Builder value =
          ModelOutput.newBuilder()
              .setName(output.name())
              .setDataType(DataType.valueOf(output.dataType()));
      for (long dim : output.dims()) {
        value.addDims(dim);
      }
      config.addOutput(value);
    }
    configuration
        .parameters()
        .forEach(
            (name, value) ->
                config.putParameters(
                    name, ModelParameter.newBuilder().setStringValue(value).build()));
    return ModelConfigResponse.newBuilder().setConfig(config).build();
  }

  static ModelStatisticsResponse statistics(List<ModelStatistics> all) {
    ModelStatisticsResponse.Builder answer = ModelStatisticsResponse.newBuilder();
    all.forEach(one -> answer.addModelStats(statistics(one)));
    return answer.build();
  }

  private static dev.headstart.server.grpc.proto.ModelStatistics statistics(ModelStatistics model) {
    var answer =
        dev.headstart.server.grpc.proto.ModelStatistics.newBuilder()
            .setName(model.name())
            .setVersion(Integer.toString(model.version()))
            .setLastInference(model.lastInference())
            .setInferenceCount(model.inferences())
            .setExecutionCount(model.executions())
            .setInferenceStats(
                InferStatistics.newBuilder()
                    .setSuccess(duration(model.success()))
                    .setFail(duration(model.fail()))
                    .setQueue(duration(model.queue()))
                    .setComputeInput(duration(model.computeInput()))
                    .setComputeInfer(duration(model.computeInfer()))
                    .setComputeOutput(duration(model.computeOutput())));
    for (ModelStatistics.Batches batches : model.batches()) {
      answer.addBatchStats(
          InferBatchStatistics.newBuilder()
              .setBatchSize(batches.size())
              .setComputeInput(duration(batches.computeInput()))
              .setComputeInfer(duration(batches.computeInfer()))
              .setComputeOutput(duration(batches.computeOutput())));
    }
    return answer.build();
  }

  private static StatisticDuration duration(ModelStatistics.Total total) {
    return StatisticDuration.newBuilder().setCount(total.count()).setNs(total.nanos()).build();
  }

  static RepositoryIndexResponse index(List<ModelStatus> all, boolean readyOnly) {
    RepositoryIndexResponse.Builder answer = RepositoryIndexResponse.newBuilder();
    for (ModelStatus status : all) {
      if (readyOnly && status.state() != ModelStatus.State.READY) {
        continue;
      }
      ModelIndex.Builder model =
          ModelIndex.newBuilder().setName(status.name()).setState(status.state().name());
      if (status.version() != null) {
        model.setVersion(status.version().toString());
      }
      if (status.reason() != null) {
        model.setReason(status.reason());
      }
      answer.addModels(model);
    }
    return answer.build();
  }
}
