/**
 * What both transports of the Open Inference Protocol share: data types, request parameters,
 * limits, the classification extension, and what models and the server say of themselves. Wire
 * forms are read and written by {@code server.http} and {@code server.grpc}. Sources: the
 * protocol's specification (kserve/open-inference-protocol) and its extensions
 * (triton-inference-server/server, {@code docs/protocol}). Read {@code ClassificationTest} first.
 */
package dev.headstart.server.protocol;
