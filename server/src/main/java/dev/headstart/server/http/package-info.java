/**
 * The Open Inference Protocol over HTTP, under {@code /v2}: requests come in, tensors go to the
 * model repository, answers go out. {@link dev.headstart.server.http.ErrorController} is the one
 * place that turns what was thrown into a status. Nothing here blocks an event loop: what may take
 * long runs on a worker. Read {@code InferRequestReaderTest} first, then {@code HttpTest}.
 */
package dev.headstart.server.http;
