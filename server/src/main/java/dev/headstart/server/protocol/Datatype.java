package dev.headstart.server.protocol;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/** The protocol's names of element types. */
public enum Datatype {
  BOOL(ElementType.BOOL),
  UINT8(ElementType.UINT8),
  UINT16(ElementType.UINT16),
  UINT32(ElementType.UINT32),
  UINT64(ElementType.UINT64),
  INT8(ElementType.INT8),
  INT16(ElementType.INT16),
  INT32(ElementType.INT32),
  INT64(ElementType.INT64),
  FP16(ElementType.FLOAT16),
  FP32(ElementType.FLOAT),
  FP64(ElementType.DOUBLE),
  BF16(ElementType.BFLOAT16),
  BYTES(ElementType.STRING);

  private static final Map<String, Datatype> BY_NAME = new HashMap<>();
  private static final Map<ElementType, Datatype> BY_ELEMENT = new EnumMap<>(ElementType.class);

  static {
    for (Datatype datatype : values()) {
      BY_NAME.put(datatype.name(), datatype);
      BY_ELEMENT.put(datatype.element, datatype);
    }
  }

  private final ElementType element;

  Datatype(ElementType element) {
    this.element = element;
  }

  /** The element type that it names. */
  public ElementType element() {
    return element;
  }

  /** The name as a model's configuration writes it: {@code TYPE_FP32}, {@code TYPE_STRING}. */
  public String configurationName() {
    return "TYPE_" + (this == BYTES ? "STRING" : name());
  }

  /** The protocol's name of an element type. */
  public static Datatype of(ElementType element) {
    return BY_ELEMENT.get(element);
  }

  /**
   * The datatype of this name.
   *
   * @param tensor that is said to have it, for the message
   * @throws BadInputException for a name that the protocol does not have
   */
  public static Datatype of(String name, String tensor) {
    Datatype datatype = BY_NAME.get(name);
    if (datatype == null) {
      throw new BadInputException(
          "input '"
              + Names.shown(tensor)
              + "' has the unknown datatype '"
              + Names.shown(name)
              + "', expected one of "
              + Arrays.toString(values()));
    }
    return datatype;
  }
}
