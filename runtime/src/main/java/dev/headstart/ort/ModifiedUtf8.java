package dev.headstart.ort;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import dev.headstart.onnx.OnnxModel;

/**
 * The Java API hands strings over in JNI's modified UTF-8 (JNI specification, Modified UTF-8
 * Strings): NUL is two bytes, a character beyond U+FFFF two surrogates of three bytes each; and
 * what comes back in plain UTF-8 with such characters, it garbles. So a model's own strings are
 * brought into that form too; then what goes in, what it is compared with, and what comes out
 * agree. Operators that look inside a string see those characters otherwise.
 */
final class ModifiedUtf8 {
  private ModifiedUtf8() {}

  /** The model with its strings in modified UTF-8; the same if they are already. */
  static OnnxModel strings(OnnxModel model) {
    ModelProto.Builder changed = model.proto().toBuilder();
    graph(changed.getGraphBuilder());
    for (FunctionProto.Builder function : changed.getFunctionsBuilderList()) {
      function.getNodeBuilderList().forEach(ModifiedUtf8::node);
    }
    ModelProto proto = changed.build();
    return proto.equals(model.proto()) ? model : OnnxModel.of(proto);
  }

  private static void graph(GraphProto.Builder graph) {
    graph.getInitializerBuilderList().forEach(ModifiedUtf8::tensor);
    graph.getNodeBuilderList().forEach(ModifiedUtf8::node);
  }

  private static void node(NodeProto.Builder node) {
    for (AttributeProto.Builder attribute : node.getAttributeBuilderList()) {
      if (attribute.hasS()) {
        attribute.setS(encode(attribute.getS()));
      }
      for (int i = 0; i < attribute.getStringsCount(); i++) {
        attribute.setStrings(i, encode(attribute.getStrings(i)));
      }
      if (attribute.hasT()) {
        tensor(attribute.getTBuilder());
      }
      attribute.getTensorsBuilderList().forEach(ModifiedUtf8::tensor);
      if (attribute.hasG()) {
        graph(attribute.getGBuilder());
      }
      attribute.getGraphsBuilderList().forEach(ModifiedUtf8::graph);
    }
  }

  private static void tensor(TensorProto.Builder tensor) {
    for (int i = 0; i < tensor.getStringDataCount(); i++) {
      tensor.setStringData(i, encode(tensor.getStringData(i)));
    }
  }

  /** What is no UTF-8 stays. */
  private static ByteString encode(ByteString utf8) {
    boolean same = true;
    for (int i = 0; same && i < utf8.size(); i++) {
      same = utf8.byteAt(i) != 0 && Byte.toUnsignedInt(utf8.byteAt(i)) < 0xf0;
    }
    if (same || !utf8.isValidUtf8()) {
      return utf8;
    }
    ByteString.Output bytes = ByteString.newOutput(utf8.size() * 2);
    utf8.toStringUtf8()
        .chars()
        .forEach(
            c -> {
              if (c > 0 && c < 0x80) {
                bytes.write(c);
              } else if (c < 0x800) {
                bytes.write(0xc0 | c >> 6);
                bytes.write(0x80 | c & 0x3f);
              } else {
                bytes.write(0xe0 | c >> 12);
                bytes.write(0x80 | c >> 6 & 0x3f);
                bytes.write(0x80 | c & 0x3f);
              }
            });
    return bytes.toByteString();
  }
}
