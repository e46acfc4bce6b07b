/**
 * The Open Inference Protocol over gRPC. Messages of {@code open_inference.proto} come in and go to
 * the {@link dev.headstart.serving.ModelRepository}; its answers and its refusals, as gRPC
 * statuses, go out. The network's threads run everything here that is quick; nothing on them
 * blocks. Read {@code InferenceServiceTest} first.
 */
package dev.headstart.server.grpc;
