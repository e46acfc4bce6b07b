package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import com.google.protobuf.ByteString;

/** One attribute of a node. */
public record Attribute(AttributeProto proto) {

  /** An integer attribute. */
  public static Attribute of(String name, long value) {
    return new Attribute(
        AttributeProto.newBuilder()
            .setName(name)
            .setType(AttributeProto.AttributeType.INT)
            .setI(value)
            .build());
  }

  /** A float attribute. */
  public static Attribute of(String name, float value) {
    return new Attribute(
        AttributeProto.newBuilder()
            .setName(name)
            .setType(AttributeProto.AttributeType.FLOAT)
            .setF(value)
            .build());
  }

  /** A string attribute. */
  public static Attribute of(String name, String value) {
    return new Attribute(
        AttributeProto.newBuilder()
            .setName(name)
            .setType(AttributeProto.AttributeType.STRING)
            .setS(ByteString.copyFromUtf8(value))
            .build());
  }

  /** A list of integers. */
  public static Attribute of(String name, long[] values) {
    AttributeProto.Builder proto =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      proto.addInts(value);
    }
    return new Attribute(proto.build());
  }

  /** A graph, as control flow takes them. */
  public static Attribute of(String name, GraphProto graph) {
    return new Attribute(
        AttributeProto.newBuilder()
            .setName(name)
            .setType(AttributeProto.AttributeType.GRAPH)
            .setG(graph)
            .build());
  }

  /** {@code axis}. */
  public static Attribute axis(long axis) {
    return of("axis", axis);
  }

  public String name() {
    return proto.getName();
  }
}
