package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The table of what changed in the meaning of ONNX's own operators, by version: opset 8 to {@link
 * OpsetUpgrade#NEWEST}. What is not here only took in more element types, or attributes and inputs
 * whose defaults mean what was meant before.
 */
final class OpsetChanges {
  /** What becomes of a node. */
  interface Change {
    /**
     * @throws dev.headstart.error.BadInputException if this node cannot be rewritten
     */
    void apply(OpsetUpgrade.Site site);
  }

  /** Every operator of opsets up to 20 whose history the table covers. */
  private static final Set<String> KNOWN =
      Set.of(
          ("Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool"
                  + " BatchNormalization Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr"
                  + " BitwiseXor BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im"
                  + " Compress Concat ConcatFromSequence Constant ConstantOfShape Conv ConvInteger"
                  + " ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Det Div"
                  + " Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten"
                  + " Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool"
                  + " GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample"
                  + " GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax"
                  + " Identity If InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization"
                  + " LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool MatMul"
                  + " MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization"
                  + " MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss"
                  + " NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow QLinearConv"
                  + " QLinearMatMul QuantizeLinear RNN RandomNormal RandomNormalLike RandomUniform"
                  + " RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum"
                  + " ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum"
                  + " ReduceSumSquare Relu Reshape Resize ReverseSequence RoiAlign Round STFT Scan"
                  + " Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct"
                  + " SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape Shrink"
                  + " Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus"
                  + " Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringNormalizer Sub"
                  + " Sum Tan Tanh TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique"
                  + " Unsqueeze Upsample Where Xor")
              .split(" "));

  private static final Map<String, Change> CHANGES = new HashMap<>();

  private OpsetChanges() {}

  static boolean isKnown(String operator) {
    return KNOWN.contains(operator);
  }

  /** What a version changed in an operator's meaning; null for nothing. */
  static Change of(String operator, int version) {
    return CHANGES.get(operator + " " + version);
  }

  private static void row(int version, Change change, String... operators) {
    for (String operator : operators) {
      CHANGES.put(operator + " " + version, change);
    }
  }

  private static Change refuse(String why) {
    return site -> {
      throw site.refusal(why);
    };
  }

  static {
    row(9, OpsetChanges::batchNormalizationIsSpatial, "BatchNormalization");
    row(9, OpsetChanges::scalesToInput, "Upsample");
    row(9, refuse("took another meaning"), "Scan");
    row(10, OpsetChanges::maskIsBool, "Dropout");
    row(10, OpsetChanges::sliceByInputs, "Slice");
    row(10, OpsetChanges::kToInput, "TopK");
    row(10, OpsetChanges::upsampleToResize, "Upsample");
    row(11, OpsetChanges::limitsToInputs, "Clip");
    row(11, OpsetChanges::padsToInputs, "Pad");
    row(11, OpsetChanges::resizeSaysHow, "Resize");
    row(11, OpsetChanges::scatterElements, "Scatter");
    row(12, OpsetChanges::ratioToInput, "Dropout");
    row(13, OpsetChanges::softmaxOverOneAxis, "Softmax", "LogSoftmax", "Hardmax");
    row(13, axes("axes"), "Squeeze", "Unsqueeze", "ReduceSum");
    row(13, axes("split"), "Split");
    row(14, OpsetChanges::inferenceOnly, "BatchNormalization");
    row(16, OpsetChanges::roiAlignSaysHow, "RoiAlign");
    row(
        18,
        axes("axes"),
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSumSquare");
    row(18, OpsetChanges::splitSaysHowMany, "Split");
    row(20, refuse("takes its axis as an input"), "DFT");
    row(20, OpsetChanges::gridSampleModes, "GridSample");
  }

  private static void batchNormalizationIsSpatial(OpsetUpgrade.Site site) {
    if (site.number("spatial", 1) != 1) {
      throw site.refusal("is not spatial");
    }
    site.add(site.without("spatial"));
  }

  private static void scalesToInput(OpsetUpgrade.Site site) {
    AttributeProto scales = site.attribute("scales");
    float[] values = new float[scales == null ? 0 : scales.getFloatsCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = scales.getFloats(i);
    }
    site.add(
        site.without("scales").addInput(site.constant("scales", Tensor.of(values, values.length))));
  }

  private static void maskIsBool(OpsetUpgrade.Site site) {
    if (site.node().getOutputCount() > 1 && !site.node().getOutput(1).isEmpty()) {
      throw site.refusal("shows its mask, which became a tensor of truth values");
    }
    site.add(site.node().toBuilder());
  }

  /** Slice(data){starts, ends, axes} to Slice(data, starts, ends, axes). */
  private static void sliceByInputs(OpsetUpgrade.Site site) {
    NodeProto.Builder changed = site.without("starts", "ends", "axes");
    for (String part : new String[] {"starts", "ends", "axes"}) {
      long[] values = site.numbers(part);
      if (values != null) {
        changed.addInput(site.constant(part, Tensor.vector(values)));
      }
    }
    site.add(changed);
  }

  private static void kToInput(OpsetUpgrade.Site site) {
    site.add(site.without("k").addInput(site.constant("k", Tensor.vector(site.number("k", 1)))));
  }

  /** In opset 10 Resize is what Upsample was. */
  private static void upsampleToResize(OpsetUpgrade.Site site) {
    site.add(site.node().toBuilder().setOpType("Resize"));
  }

  /** Clip(x){min, max} to Clip(x, min, max), of x's type, which was a float type. */
  private static void limitsToInputs(OpsetUpgrade.Site site) {
    NodeProto.Builder changed = site.without("min", "max");
    AttributeProto min = site.attribute("min");
    AttributeProto max = site.attribute("max");
    if (min != null || max != null) {
      if (site.type(0) != ElementType.FLOAT) {
        throw site.refusal("clips a tensor that is not known to be of 32-bit floats");
      }
      changed.addInput(min == null ? "" : site.constant("min", Tensor.scalar(min.getF())));
      if (max != null) {
        changed.addInput(site.constant("max", Tensor.scalar(max.getF())));
      }
    }
    site.add(changed);
  }

  private static void padsToInputs(OpsetUpgrade.Site site) {
    long[] pads = site.numbers("pads");
    NodeProto.Builder changed = site.without("pads", "value");
    changed.addInput(site.constant("pads", Tensor.vector(pads == null ? new long[0] : pads)));
    AttributeProto value = site.attribute("value");
    if (value != null && value.getF() != 0) {
      if (site.type(0) != ElementType.FLOAT) {
        throw site.refusal("pads a tensor that is not known to be of 32-bit floats");
      }
      changed.addInput(site.constant("value", Tensor.scalar(value.getF())));
    }
    site.add(changed);
  }

  /** Resize-10 counted from the corners' outer edges without a shift, and rounded down. */
  private static void resizeSaysHow(OpsetUpgrade.Site site) {
    NodeProto node = site.node();
    NodeProto.Builder changed = node.toBuilder().clearInput();
    changed.addInput(node.getInput(0));
    changed.addInput(site.constant("roi", Tensor.of(new float[0], 0)));
    changed.addInput(node.getInput(1));
    changed.addAttribute(Attribute.of("coordinate_transformation_mode", "asymmetric").proto());
    changed.addAttribute(Attribute.of("nearest_mode", "floor").proto());
    site.add(changed);
  }

  private static void scatterElements(OpsetUpgrade.Site site) {
    site.add(site.node().toBuilder().setOpType("ScatterElements"));
  }

  private static void ratioToInput(OpsetUpgrade.Site site) {
    AttributeProto ratio = site.attribute("ratio");
    NodeProto.Builder changed = site.without("ratio");
    if (ratio != null) {
      changed.addInput(site.constant("ratio", Tensor.scalar(ratio.getF())));
    }
    site.add(changed);
  }

  /**
   * Until opset 12 all axes from {@code axis} on (by default 1) were taken as one. Where that is
   * the last axis alone, the new meaning is the same; else the tensor is flattened before and
   * brought back after.
   */
  private static void softmaxOverOneAxis(OpsetUpgrade.Site site) {
    long axis = site.number("axis", 1);
    long[] dims = site.dims(0);
    NodeProto.Builder softmax = site.without("axis").addAttribute(Attribute.axis(-1).proto());
    if (axis == -1 || (dims != null && axis == dims.length - 1)) {
      site.add(softmax);
      return;
    }
    String x = site.node().getInput(0);
    String flat = site.fresh("flat");
    String result = site.fresh("result");
    String shape = site.fresh("shape");
    site.add(
        NodeProto.newBuilder()
            .setOpType("Flatten")
            .addInput(x)
            .addOutput(flat)
            .addAttribute(Attribute.axis(axis).proto()));
    site.add(softmax.setInput(0, flat).setOutput(0, result));
    site.add(NodeProto.newBuilder().setOpType("Shape").addInput(x).addOutput(shape));
    site.add(
        NodeProto.newBuilder()
            .setOpType("Reshape")
            .addInput(result)
            .addInput(shape)
            .addOutput(site.node().getOutput(0)));
  }

  /** An attribute with a list of integers becomes the second input. */
  private static Change axes(String attribute) {
    return site -> {
      long[] values = site.numbers(attribute);
      NodeProto.Builder changed = site.without(attribute);
      if (values != null) {
        changed.addInput(site.constant(attribute, Tensor.vector(values)));
      }
      site.add(changed);
    };
  }

  private static void inferenceOnly(OpsetUpgrade.Site site) {
    if (site.node().getOutputCount() > 1) {
      throw site.refusal("shows statistics, which training mode does otherwise");
    }
    site.add(site.node().toBuilder());
  }

  private static void roiAlignSaysHow(OpsetUpgrade.Site site) {
    site.add(
        site.node().toBuilder()
            .addAttribute(
                Attribute.of("coordinate_transformation_mode", "output_half_pixel").proto()));
  }

  private static void splitSaysHowMany(OpsetUpgrade.Site site) {
    NodeProto node = site.node();
    NodeProto.Builder changed = node.toBuilder();
    if (node.getInputCount() < 2 || node.getInput(1).isEmpty()) {
      changed.addAttribute(Attribute.of("num_outputs", node.getOutputCount()).proto());
    }
    site.add(changed);
  }

  private static void gridSampleModes(OpsetUpgrade.Site site) {
    AttributeProto mode = site.attribute("mode");
    String name = mode == null ? "bilinear" : mode.getS().toStringUtf8();
    String renamed =
        switch (name) {
          case "bilinear" -> "linear";
          case "bicubic" -> "cubic";
          default -> name;
        };
    site.add(site.without("mode").addAttribute(Attribute.of("mode", renamed).proto()));
  }
}
