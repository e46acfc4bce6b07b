/**
 * Models ready to answer many callers at once. Requests as tensors come in from a transport;
 * results go out. {@link dev.headstart.serving.ModelRepository} is the whole way: names and
 * versions, queues and batches, live swaps. Read {@code ModelRepositoryTest} first.
 */
package dev.headstart.serving;
