package dev.headstart.onnx;

/**
 * A tensor inside a graph that is being built; only the {@link GraphBuilder} that made it takes it.
 */
public final class Value {
  private final GraphBuilder graph;
  private final String name;

  Value(GraphBuilder graph, String name) {
    this.graph = graph;
    this.name = name;
  }

  GraphBuilder graph() {
    return graph;
  }

  /** The tensor's name in the graph; empty for an optional input that is left out. */
  public String name() {
    return name;
  }

  @Override
  public String toString() {
    return name;
  }
}
