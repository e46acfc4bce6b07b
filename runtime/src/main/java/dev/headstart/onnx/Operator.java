package dev.headstart.onnx;

import java.util.List;

/**
 * The operators that Headstart itself writes into graphs, with how many inputs and outputs each
 * takes and which attributes it knows. (A model that is only read may hold any operator.)
 *
 * <p>Source: the ONNX operator specification, and for {@link #MICROSOFT} the schemas of ONNX
 * Runtime's contrib and training operators.
 */
public enum Operator {
  // Arithmetic, elementwise
  ADD("Add", 2),
  SUB("Sub", 2),
  MUL("Mul", 2),
  DIV("Div", 2),
  POW("Pow", 2),
  NEG("Neg", 1),
  ABS("Abs", 1),
  SIGN("Sign", 1),
  EXP("Exp", 1),
  LOG("Log", 1),
  SQRT("Sqrt", 1),
  RECIPROCAL("Reciprocal", 1),
  SIN("Sin", 1),
  COS("Cos", 1),
  SINH("Sinh", 1),
  COSH("Cosh", 1),
  GREATER("Greater", 2),
  GREATER_OR_EQUAL("GreaterOrEqual", 2),
  LESS("Less", 2),
  LESS_OR_EQUAL("LessOrEqual", 2),
  EQUAL("Equal", 2),
  AND("And", 2),
  WHERE("Where", 3),
  CAST("Cast", 1, "to"),
  IDENTITY("Identity", 1),
  SUM("Sum", 1, Integer.MAX_VALUE, 1),
  MAX("Max", 1, Integer.MAX_VALUE, 1),
  MIN("Min", 1, Integer.MAX_VALUE, 1),
  // Activations
  RELU("Relu", 1),
  LEAKY_RELU("LeakyRelu", 1, "alpha"),
  SIGMOID("Sigmoid", 1),
  TANH("Tanh", 1),
  SOFTPLUS("Softplus", 1),
  SOFTMAX("Softmax", 1, "axis"),
  LOG_SOFTMAX("LogSoftmax", 1, "axis"),
  DROPOUT("Dropout", 1, 3, 2, "seed"),
  // Linear algebra
  GEMM("Gemm", 2, 3, 1, "alpha", "beta", "transA", "transB"),
  MAT_MUL("MatMul", 2),
  EINSUM("Einsum", 1, Integer.MAX_VALUE, 1, "equation"),
  // Reductions (from opset 13 ReduceSum, from opset 18 the others take their axes as an input)
  REDUCE_SUM("ReduceSum", 1, 2, 1, "axes", "keepdims", "noop_with_empty_axes"),
  REDUCE_MEAN("ReduceMean", 1, 2, 1, "axes", "keepdims", "noop_with_empty_axes"),
  REDUCE_SUM_SQUARE("ReduceSumSquare", 1, 2, 1, "axes", "keepdims", "noop_with_empty_axes"),
  REDUCE_MIN("ReduceMin", 1, 2, 1, "axes", "keepdims", "noop_with_empty_axes"),
  TOP_K("TopK", 2, 2, 2, "axis", "largest", "sorted"),
  CUM_SUM("CumSum", 2, "exclusive", "reverse"),
  LP_NORMALIZATION("LpNormalization", 1, "axis", "p"),
  GLOBAL_AVERAGE_POOL("GlobalAveragePool", 1),
  // Windows
  CONV("Conv", 2, 3, 1, "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"),
  CONV_TRANSPOSE(
      "ConvTranspose",
      2,
      3,
      1,
      "auto_pad",
      "dilations",
      "group",
      "kernel_shape",
      "output_padding",
      "output_shape",
      "pads",
      "strides"),
  MAX_POOL(
      "MaxPool",
      1,
      1,
      2,
      "auto_pad",
      "ceil_mode",
      "dilations",
      "kernel_shape",
      "pads",
      "storage_order",
      "strides"),
  AVERAGE_POOL(
      "AveragePool",
      1,
      "auto_pad",
      "ceil_mode",
      "count_include_pad",
      "dilations",
      "kernel_shape",
      "pads",
      "strides"),
  LP_POOL(
      "LpPool", 1, "auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"),
  GLOBAL_MAX_POOL("GlobalMaxPool", 1),
  GLOBAL_LP_POOL("GlobalLpPool", 1, "p"),
  RESIZE(
      "Resize",
      1,
      4,
      1,
      "antialias",
      "axes",
      "coordinate_transformation_mode",
      "cubic_coeff_a",
      "exclude_outside",
      "extrapolation_value",
      "keep_aspect_ratio_policy",
      "mode",
      "nearest_mode"),
  DEPTH_TO_SPACE("DepthToSpace", 1, "blocksize", "mode"),
  SPACE_TO_DEPTH("SpaceToDepth", 1, "blocksize"),
  // Normalisations
  BATCH_NORMALIZATION("BatchNormalization", 5, 5, 5, "epsilon", "momentum", "training_mode"),
  LAYER_NORMALIZATION("LayerNormalization", 2, 3, 3, "axis", "epsilon", "stash_type"),
  SIMPLIFIED_LAYER_NORMALIZATION(
      "SimplifiedLayerNormalization", 2, 2, 2, "axis", "epsilon", "stash_type"),
  INSTANCE_NORMALIZATION("InstanceNormalization", 3, "epsilon"),
  GROUP_NORMALIZATION("GroupNormalization", 3, "epsilon", "num_groups", "stash_type"),
  MEAN_VARIANCE_NORMALIZATION("MeanVarianceNormalization", 1, "axes"),
  LRN("LRN", 1, "alpha", "beta", "bias", "size"),
  // Shapes
  SHAPE("Shape", 1, "start", "end"),
  SIZE("Size", 1),
  RESHAPE("Reshape", 2, "allowzero"),
  FLATTEN("Flatten", 1, "axis"),
  TRANSPOSE("Transpose", 1, "perm"),
  EXPAND("Expand", 2),
  SQUEEZE("Squeeze", 1, 2, 1, "axes"),
  UNSQUEEZE("Unsqueeze", 1, 2, 1, "axes"),
  CONCAT("Concat", 1, Integer.MAX_VALUE, 1, "axis"),
  GATHER("Gather", 2, "axis"),
  SLICE("Slice", 3, 5, 1),
  SPLIT("Split", 1, 2, Integer.MAX_VALUE, "axis", "num_outputs"),
  PAD("Pad", 2, 4, 1, "mode"),
  RANGE("Range", 3),
  GATHER_ELEMENTS("GatherElements", 2, "axis"),
  GATHER_ND("GatherND", 2, "batch_dims"),
  SCATTER_ELEMENTS("ScatterElements", 3, "axis", "reduction"),
  SCATTER_ND("ScatterND", 3, "reduction"),
  // Sequences and control
  SEQUENCE_AT("SequenceAt", 2),
  SEQUENCE_CONSTRUCT("SequenceConstruct", 1, Integer.MAX_VALUE, 1),
  IF("If", 1, 1, Integer.MAX_VALUE, "then_branch", "else_branch"),
  // Losses
  SOFTMAX_CROSS_ENTROPY_LOSS("SoftmaxCrossEntropyLoss", 2, 3, 2, "ignore_index", "reduction"),
  // ONNX Runtime's own
  MS_RELU_GRAD(Operator.MICROSOFT, "ReluGrad", 2, 2, 1),
  MS_LEAKY_RELU_GRAD(Operator.MICROSOFT, "LeakyReluGrad", 2, 2, 1, "alpha"),
  MS_SIGMOID_GRAD(Operator.MICROSOFT, "SigmoidGrad", 2, 2, 1),
  MS_TANH_GRAD(Operator.MICROSOFT, "TanhGrad", 2, 2, 1),
  MS_GELU_GRAD(Operator.MICROSOFT, "GeluGrad", 2, 2, 1),
  MS_FAST_GELU_GRAD(Operator.MICROSOFT, "FastGeluGrad", 2, 3, 1),
  MS_QUICK_GELU_GRAD(Operator.MICROSOFT, "QuickGeluGrad", 2, 2, 1, "alpha"),
  MS_GATHER_GRAD(Operator.MICROSOFT, "GatherGrad", 3, 3, 1, "axis"),
  MS_SLICE_GRAD(Operator.MICROSOFT, "SliceGrad", 4, 6, 1),
  MS_SOFTMAX_GRAD_13(Operator.MICROSOFT, "SoftmaxGrad_13", 2, 2, 1, "axis"),
  MS_LOG_SOFTMAX_GRAD_13(Operator.MICROSOFT, "LogSoftmaxGrad_13", 2, 2, 1, "axis"),
  MS_DROPOUT_GRAD(Operator.MICROSOFT, "DropoutGrad", 2, 4, 1),
  MS_CONV_GRAD(Operator.MICROSOFT, "ConvGrad", 3, 3, 3, "dilations", "group", "pads", "strides"),
  MS_GATHER_ELEMENTS_GRAD(Operator.MICROSOFT, "GatherElementsGrad", 3, 3, 1, "axis"),
  MS_SKIP_LAYER_NORMALIZATION(Operator.MICROSOFT, "SkipLayerNormalization", 3, 5, 4, "epsilon"),
  MS_LAYER_NORMALIZATION_GRAD(Operator.MICROSOFT, "LayerNormalizationGrad", 5, 5, 3, "axis"),
  MS_BATCH_NORM_INTERNAL(
      Operator.MICROSOFT, "BatchNormInternal", 5, 5, 5, "epsilon", "momentum", "training_mode"),
  MS_BATCH_NORMALIZATION_GRAD(Operator.MICROSOFT, "BatchNormalizationGrad", 5, 5, 3, "epsilon"),
  MS_FUSED_MAT_MUL(
      Operator.MICROSOFT,
      "FusedMatMul",
      2,
      2,
      1,
      "alpha",
      "transA",
      "transB",
      "transBatchA",
      "transBatchB"),
  MS_BROADCAST_GRADIENT_ARGS(Operator.MICROSOFT, "BroadcastGradientArgs", 2, 2, 2),
  MS_SOFTMAX_CROSS_ENTROPY_LOSS_GRAD(
      Operator.MICROSOFT, "SoftmaxCrossEntropyLossGrad", 3, 5, 1, "ignore_index", "reduction"),
  MS_IN_PLACE_ACCUMULATOR_V2(Operator.MICROSOFT, "InPlaceAccumulatorV2", 3, 3, 2),
  MS_ADAM_W_OPTIMIZER(
      Operator.MICROSOFT,
      "AdamWOptimizer",
      6,
      7,
      4,
      "alpha",
      "beta",
      "epsilon",
      "weight_decay",
      "correct_bias",
      "adam_mode"),
  MS_SGD_OPTIMIZER_V2(Operator.MICROSOFT, "SGDOptimizerV2", 3, 4, 3);

  /** The domain of ONNX Runtime's own operators, version 1. */
  public static final String MICROSOFT = "com.microsoft";

  private final String domain;
  private final String type;
  private final int minInputs;
  private final int maxInputs;
  private final int maxOutputs;
  private final List<String> attributes;

  Operator(String type, int inputs, String... attributes) {
    this("", type, inputs, inputs, 1, attributes);
  }

  Operator(String type, int minInputs, int maxInputs, int maxOutputs, String... attributes) {
    this("", type, minInputs, maxInputs, maxOutputs, attributes);
  }

  Operator(
      String domain,
      String type,
      int minInputs,
      int maxInputs,
      int maxOutputs,
      String... attributes) {
    this.domain = domain;
    this.type = type;
    this.minInputs = minInputs;
    this.maxInputs = maxInputs;
    this.maxOutputs = maxOutputs;
    this.attributes = List.of(attributes);
  }

  /** Empty for ONNX's own operators. */
  public String domain() {
    return domain;
  }

  /** {@code op_type} in the file. */
  public String type() {
    return type;
  }

  void check(int inputs, int outputs, List<Attribute> given) {
    if (inputs < minInputs || inputs > maxInputs) {
      throw new IllegalArgumentException(
          type + " takes " + minInputs + " to " + maxInputs + " inputs, got " + inputs);
    }
    if (outputs < 1 || outputs > maxOutputs) {
      throw new IllegalArgumentException(
          type + " has 1 to " + maxOutputs + " outputs, asked for " + outputs);
    }
    for (Attribute attribute : given) {
      if (!attributes.contains(attribute.name())) {
        throw new IllegalArgumentException(
            type + " has no attribute '" + attribute.name() + "', expected one of " + attributes);
      }
    }
  }
}
