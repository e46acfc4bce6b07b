package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Collection;

/** Names out of a model file as they stand in messages: foreign text, so cut short and cleaned. */
final class Names {
  private static final int LONGEST = 120;

  private Names() {}

  /** The name in quotes. */
  static String quote(String name) {
    StringBuilder text = new StringBuilder("'");
    name.codePoints()
        .limit(LONGEST)
        .forEach(c -> text.appendCodePoint(Character.isISOControl(c) ? '\uFFFD' : c));
    return text.append(name.codePointCount(0, name.length()) > LONGEST ? "…'" : "'").toString();
  }

  /** The first few names in quotes. */
  static String quote(Collection<String> names) {
    String text =
        String.join(", ", names.stream().limit(10).map(Names::quote).toArray(String[]::new));
    return names.size() > 10 ? text + ", …" : text;
  }

  /** A node by its name, or where it has none by its first output, and its operator. */
  static String of(NodeProto node) {
    String name =
        !node.getName().isEmpty() || node.getOutputCount() == 0
            ? node.getName()
            : node.getOutput(0);
    return quote(name) + " (" + quote(node.getOpType()).replace("'", "") + ")";
  }
}
