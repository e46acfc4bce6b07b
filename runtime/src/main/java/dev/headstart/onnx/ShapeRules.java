package dev.headstart.onnx;

import java.util.HashMap;
import java.util.Map;

/**
 * The table of shape rules: one rule a shape regime, one row for each operator. An operator without
 * a row has outputs of which nothing is known.
 *
 * <p>Source: the ONNX operator specification (opsets {@value ModelCheck#OLDEST_OPSET} to {@value
 * ModelCheck#NEWEST_OPSET}) and ONNX Runtime's contrib operators.
 */
final class ShapeRules {
  /** From what is known of a node's inputs to what is known of its outputs. */
  interface Rule {
    /**
     * @throws dev.headstart.error.BadInputException if the node contradicts its inputs
     */
    void apply(ShapeSite site);
  }

  private static final Map<String, Rule> RULES = new HashMap<>();

  private ShapeRules() {}

  /** The rule for an operator; null for none. */
  static Rule of(String domain, String operator) {
    String prefix = domain.isEmpty() || domain.equals("ai.onnx") ? "" : domain + ":";
    return RULES.get(prefix + operator);
  }

  private static void rows(Rule rule, String... operators) {
    for (String operator : operators) {
      if (RULES.put(operator, rule) != null) {
        throw new IllegalStateException("two shape rules for " + operator);
      }
    }
  }

  private static void microsoft(Rule rule, String... operators) {
    for (String operator : operators) {
      rows(rule, Operator.MICROSOFT + ":" + operator);
    }
  }

  static {
    // Elementwise, one input: the output is like it
    rows(
        ElementwiseShapes::same,
        ("Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp Floor Gelu"
                + " GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization"
                + " LRN LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg"
                + " PRelu RMSNormalization Reciprocal Relu ReverseSequence Round ScatterElements"
                + " ScatterND Scatter Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign"
                + " Sqrt Swish Tan Tanh ThresholdedRelu Trilu BitwiseNot RandomNormalLike"
                + " RandomUniformLike Bernoulli RotaryEmbedding")
            .split(" "));
    rows(ElementwiseShapes::predicate, "IsInf", "IsNaN", "Not");
    rows(ElementwiseShapes::dropout, "Dropout");
    rows(ElementwiseShapes::batchNormalization, "BatchNormalization");
    rows(ElementwiseShapes::layerNormalization, "LayerNormalization");
    microsoft(
        ElementwiseShapes::same,
        "BiasGelu",
        "FastGelu",
        "Gelu",
        "QuickGelu",
        "SkipLayerNormalization",
        "SkipSimplifiedLayerNormalization",
        "RotaryEmbedding",
        "QLinearLeakyRelu",
        "QLinearSigmoid");
    rows(ElementwiseShapes::layerNormalization, "SimplifiedLayerNormalization");
    microsoft(ElementwiseShapes::batchNormalization, "BatchNormInternal");

    // Elementwise, several inputs: broadcast
    rows(
        ElementwiseShapes::arithmetic,
        "Add Sub Mul Div Mod Pow Min Max Sum Mean BitShift BitwiseAnd BitwiseOr BitwiseXor"
            .split(" "));
    rows(
        ElementwiseShapes::comparison,
        "Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor".split(" "));
    rows(ElementwiseShapes::where, "Where");
    microsoft(ElementwiseShapes::quantizedArithmetic, "QLinearAdd", "QLinearMul");

    // Element types
    rows(ElementwiseShapes::cast, "Cast");
    rows(ElementwiseShapes::castLike, "CastLike");
    rows(ElementwiseShapes::quantize, "QuantizeLinear");
    microsoft(ElementwiseShapes::quantize, "QuantizeLinear");
    rows(ElementwiseShapes::dequantize, "DequantizeLinear");
    microsoft(ElementwiseShapes::dequantize, "DequantizeLinear");
    rows(ElementwiseShapes::dynamicQuantize, "DynamicQuantizeLinear");

    // Reductions
    rows(
        ReductionShapes::reduce,
        ("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd"
                + " ReduceSum ReduceSumSquare")
            .split(" "));
    rows(ReductionShapes::arg, "ArgMax", "ArgMin");
    rows(ReductionShapes::topK, "TopK");
    rows(ReductionShapes::loss, "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss");

    // Linear algebra
    rows(LinearShapes::matMul, "MatMul");
    rows(LinearShapes::matMulInteger, "MatMulInteger");
    rows(LinearShapes::qLinearMatMul, "QLinearMatMul");
    rows(LinearShapes::gemm, "Gemm");
    rows(LinearShapes::einsum, "Einsum");
    microsoft(LinearShapes::fusedMatMul, "FusedMatMul");
    microsoft(LinearShapes::matMulToFloat, "DynamicQuantizeMatMul", "MatMulIntegerToFloat");
    microsoft(LinearShapes::matMulNBits, "MatMulNBits");
    microsoft(LinearShapes::attention, "Attention", "QAttention");
    microsoft(LinearShapes::multiHeadAttention, "MultiHeadAttention");
    microsoft(LinearShapes::embedLayerNormalization, "EmbedLayerNormalization");
    rows(LinearShapes::recurrent, "LSTM", "GRU", "RNN");

    // Windows over images
    rows(WindowShapes::conv, "Conv");
    microsoft(WindowShapes::conv, "FusedConv");
    rows(WindowShapes::convInteger, "ConvInteger");
    rows(WindowShapes::qLinearConv, "QLinearConv");
    rows(WindowShapes::convTranspose, "ConvTranspose");
    rows(WindowShapes::pool, "AveragePool", "LpPool", "MaxPool");
    rows(WindowShapes::globalPool, "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool");
    rows(WindowShapes::resize, "Resize", "Upsample");
    rows(WindowShapes::depthToSpace, "DepthToSpace");
    rows(WindowShapes::spaceToDepth, "SpaceToDepth");
    rows(WindowShapes::pad, "Pad");

    // The order and number of elements
    rows(ReshapeShapes::reshape, "Reshape");
    rows(ReshapeShapes::flatten, "Flatten");
    rows(ReshapeShapes::transpose, "Transpose");
    rows(ReshapeShapes::squeeze, "Squeeze");
    rows(ReshapeShapes::unsqueeze, "Unsqueeze");
    rows(ReshapeShapes::expand, "Expand");
    rows(ReshapeShapes::tile, "Tile");
    rows(SelectionShapes::concat, "Concat");
    rows(SelectionShapes::split, "Split");
    rows(SelectionShapes::slice, "Slice");
    rows(SelectionShapes::gather, "Gather");
    rows(SelectionShapes::gatherElements, "GatherElements");
    rows(SelectionShapes::gatherNd, "GatherND");
    rows(SelectionShapes::compress, "Compress");
    rows(SelectionShapes::nonZero, "NonZero");
    rows(SelectionShapes::oneHot, "OneHot");

    // Constants and shapes as data
    rows(ConstantShapes::constant, "Constant");
    rows(ConstantShapes::constantOfShape, "ConstantOfShape");
    rows(ConstantShapes::shape, "Shape");
    rows(ConstantShapes::size, "Size");
    rows(ConstantShapes::range, "Range");
    rows(ConstantShapes::eyeLike, "EyeLike");
    rows(ConstantShapes::random, "RandomNormal", "RandomUniform");
  }
}
