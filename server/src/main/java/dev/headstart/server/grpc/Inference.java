package dev.headstart.server.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UnavailableException;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.grpc.proto.InferParameter;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferRequestedOutputTensor;
import dev.headstart.server.grpc.proto.ModelInferResponse;
import dev.headstart.server.grpc.proto.ModelInferResponse.InferOutputTensor;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.protocol.RequestParameters;
import dev.headstart.server.protocol.RequestedOutput;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.ModelRepository;
import io.grpc.Context;
import io.grpc.Deadline;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * One request of a client, and its answer.
 *
 * @param message the request
 * @param outputs that it names
 * @param request what the models are asked
 */
record Inference(
    ModelInferRequest message, List<RequestedOutput> outputs, InferenceRequest request) {

  /**
   * Reads a request. The deadline of the call that it came by bounds its timeout.
   *
   * @throws BadInputException if it is malformed or over a limit
   * @throws dev.headstart.server.protocol.NotSupportedException if it asks for sequences or shared
   *     memory
   * @throws UnavailableException if the call's deadline has passed
   */
  static Inference of(ModelInferRequest message, Limits limits) {
    List<RequestedOutput> outputs = outputs(message, limits);
    RequestParameters parameters = RequestParameters.of(parameters(message.getParametersMap()));
    return new Inference(
        message,
        outputs,
        new InferenceRequest(
            message.getModelName(),
            Names.version(message.getModelVersion()),
            inputs(message, limits),
            outputs.isEmpty() ? List.of() : outputs.stream().map(RequestedOutput::name).toList(),
            parameters.priority(),
            timeout(parameters.timeout())));
  }

  private static Map<String, Tensor> inputs(ModelInferRequest message, Limits limits) {
    int count = message.getInputsCount();
    limits.checkTensors(count, "inputs");
    int raw = message.getRawInputContentsCount();
    if (raw > 0 && raw != count) {
      throw new BadInputException(
          "raw_input_contents has "
              + raw
              + " entries for "
              + count
              + " inputs; expected one for each input, or none at all");
    }
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    long elements = 0;
    for (int i = 0; i < count; i++) {
      InferInputTensor input = message.getInputs(i);
      RequestParameters.checkPlace(input.getName(), parameters(input.getParametersMap()));
      ByteString data = raw > 0 ? message.getRawInputContents(i) : null;
      Tensor tensor = InputTensor.of(input, data, limits);
      elements += tensor.elements();
      limits.checkElements(elements);
      if (inputs.put(input.getName(), tensor) != null) {
        throw new BadInputException(
            "input '" + Names.shown(input.getName()) + "' is there more than once");
      }
    }
    return inputs;
  }

  private static List<RequestedOutput> outputs(ModelInferRequest message, Limits limits) {
    int count = message.getOutputsCount();
    if (count == 0) {
      return List.of();
    }
    limits.checkTensors(count, "outputs");
    List<RequestedOutput> outputs = new ArrayList<>(count);
    Set<String> names = new HashSet<>();
    for (InferRequestedOutputTensor output : message.getOutputsList()) {
      if (!names.add(output.getName())) {
        throw new BadInputException(
            "output '" + Names.shown(output.getName()) + "' is asked for more than once");
      }
      outputs.add(RequestedOutput.of(output.getName(), parameters(output.getParametersMap())));
    }
    return outputs;
  }

  private static Map<String, Object> parameters(Map<String, InferParameter> given) {
    if (given.isEmpty()) {
      return Map.of();
    }
    Map<String, Object> parameters = new HashMap<>();
    given.forEach(
        (name, value) -> {
          switch (value.getParameterChoiceCase()) {
            case BOOL_PARAM -> parameters.put(name, value.getBoolParam());
            case INT64_PARAM -> parameters.put(name, value.getInt64Param());
            case STRING_PARAM -> parameters.put(name, value.getStringParam());
            case DOUBLE_PARAM -> parameters.put(name, value.getDoubleParam());
            case UINT64_PARAM -> parameters.put(name, unsigned(value.getUint64Param()));
            case PARAMETERCHOICE_NOT_SET ->
                throw new BadInputException(
                    "parameter '" + Names.shown(name) + "' has no value that is known here");
          }
        });
    return parameters;
  }

  private static Number unsigned(long bits) {
    if (bits >= 0) {
      return bits;
    }
    return new BigInteger(Long.toUnsignedString(bits));
  }

  private static Duration timeout(Duration asked) {
    Deadline deadline = Context.current().getDeadline();
    if (deadline == null) {
      return asked;
    }
    long left = deadline.timeRemaining(TimeUnit.NANOSECONDS);
    if (left <= 0) {
      throw new UnavailableException(
          UnavailableException.Reason.TIMEOUT, "the call's deadline passed before it was begun");
    }
    return asked != null && asked.compareTo(Duration.ofNanos(left)) <= 0
        ? asked
        : Duration.ofNanos(left);
  }

  /** The answer. Its tensors' bytes are those of the result, not copied. */
  ModelInferResponse.Builder answer(InferenceResult result, ModelRepository models) {
    ModelInferResponse.Builder answer =
        ModelInferResponse.newBuilder()
            .setModelName(result.model())
            .setModelVersion(Integer.toString(result.version()))
            .setId(message.getId());
    if (outputs.isEmpty()) {
      result.outputs().forEach((name, tensor) -> add(answer, name, tensor));
    } else {
      outputs.forEach(output -> add(answer, output.name(), output.in(result, models)));
    }
    return answer;
  }

  private static void add(ModelInferResponse.Builder answer, String name, Tensor tensor) {
    InferOutputTensor.Builder output =
        InferOutputTensor.newBuilder().setName(name).setDatatype(Datatype.of(tensor.type()).name());
    for (long dim : tensor.shape()) {
      output.addShape(dim);
    }
    answer.addOutputs(output);
    answer.addRawOutputContents(UnsafeByteOperations.unsafeWrap(tensor.data()));
  }
}
