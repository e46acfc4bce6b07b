package dev.headstart.server.http;

import dev.headstart.onnx.Tensor;
import dev.headstart.server.protocol.RequestParameters;
import dev.headstart.server.protocol.RequestedOutput;
import java.util.List;
import java.util.Map;

/**
 * An inference request as its body says it.
 *
 * @param id to be echoed; null if there is none
 * @param parameters of the whole request
 * @param inputs by name
 * @param outputs wanted; empty for the model's own choice
 * @param text whether an input of strings came as JSON
 */
record InferRequest(
    String id,
    RequestParameters parameters,
    Map<String, Tensor> inputs,
    List<RequestedOutput> outputs,
    boolean text) {}
