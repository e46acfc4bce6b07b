package dev.headstart.server.predict;

import dev.headstart.onnx.Tensor;
import java.util.List;
import java.util.Map;

/**
 * What a request brought, as a head takes it.
 *
 * @param inputs one tensor, by the name of a head's input
 * @param count samples in it
 * @param list whether they came as a list, and are to be answered as one
 * @param heads that the request names itself; empty if it does not
 */
record Samples(Map<String, Tensor> inputs, int count, boolean list, List<String> heads) {}
