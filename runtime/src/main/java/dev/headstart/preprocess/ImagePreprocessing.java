package dev.headstart.preprocess;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/**
 * A picture is decoded to 8-bit RGB, resized, cropped at its centre, and scaled to {@code (value *
 * scale - mean) / std} a channel.
 *
 * @param input the model's input, [batch, channels, height, width] or [batch, height, width,
 *     channels]
 * @param resize to which size and how
 * @param crop width and height of what is cut out at the centre; null for all of it
 * @param scale what each value from 0 to 255 is multiplied by; 1 if absent
 * @param mean a number a channel, in the model's order of channels; 0 if absent
 * @param std a number a channel, not 0; 1 if absent
 * @param layout the order of the tensor's dimensions; NCHW if absent
 * @param colour the channels and their order; RGB if absent
 * @param type the tensor's elements; float32 if absent. uint8 takes the values as they are, so that
 *     there can be no scale, mean or std
 */
public record ImagePreprocessing(
    String input,
    Resize resize,
    List<Integer> crop,
    Double scale,
    List<Double> mean,
    List<Double> std,
    Layout layout,
    Colour colour,
    Type type)
    implements Preprocessing {

  /** Batch, channels, height, width; or the channels last. */
  public enum Layout {
    NCHW,
    NHWC
  }

  /** Three channels in one of two orders, or the luma of ITU-R 601-2. */
  public enum Colour {
    RGB(3),
    BGR(3),
    GRAY(1);

    private final int channels;

    Colour(int channels) {
      this.channels = channels;
    }

    public int channels() {
      return channels;
    }
  }

  /** Element types of pictures. */
  public enum Type {
    @JsonProperty("float32")
    FLOAT32,
    @JsonProperty("uint8")
    UINT8
  }

  /** What is made to fit. */
  public enum Mode {
    /**
     * The shorter side becomes the size, the longer one {@code (int) (size * longer / shorter)}.
     */
    @JsonProperty("shorter")
    SHORTER,
    /** Width and height become the size, whatever the proportions were. */
    @JsonProperty("stretch")
    STRETCH,
    /** The whole picture fits into the size, in its proportions, padded evenly on both sides. */
    @JsonProperty("letterbox")
    LETTERBOX
  }

  /**
   * Which way halves and fractions of pixels go. A pixel more or less moves everything in the
   * picture, and a network's scores by several percent.
   */
  public enum Rounding {
    /** The longer side is cut to an integer; a crop's offset of a half goes to the even number. */
    @JsonProperty("torchvision")
    TORCHVISION,
    /** The longer side goes to the nearest integer (a half to the even one); offsets are cut. */
    @JsonProperty("nearest")
    NEAREST
  }

  /**
   * @param mode what is made to fit
   * @param size one number for the shorter side; width and height for the other modes
   * @param filter how new values come from old ones; bicubic if absent
   * @param antialias whether the filter is widened when the picture gets smaller, as Pillow always
   *     does; true if absent
   * @param rounding of the longer side and of the crop's offset; torchvision if absent
   * @param padding the value around a letterboxed picture, 0 to 255; 0 if absent
   */
  public record Resize(
      Mode mode,
      List<Integer> size,
      Filter filter,
      Boolean antialias,
      Rounding rounding,
      Integer padding) {

    /**
     * @throws dev.headstart.error.BadInputException if a field is missing or out of range
     */
    public Resize {
      Checks.require(mode != null, "preprocessing.resize.mode is missing");
      int numbers = mode == Mode.SHORTER ? 1 : 2;
      size = sides("preprocessing.resize.size", size, numbers);
      filter = filter == null ? Filter.BICUBIC : filter;
      antialias = antialias == null || antialias;
      rounding = rounding == null ? Rounding.TORCHVISION : rounding;
      padding = padding == null ? 0 : padding;
      Checks.require(
          padding >= 0 && padding <= 255,
          "preprocessing.resize.padding is " + padding + "; expected 0 to 255");
    }
  }

  /**
   * @throws dev.headstart.error.BadInputException if a field is missing, out of range or
   *     contradicts another
   */
  public ImagePreprocessing {
    Checks.require(input != null, "preprocessing.input is missing");
    Checks.require(resize != null, "preprocessing.resize is missing");
    layout = layout == null ? Layout.NCHW : layout;
    colour = colour == null ? Colour.RGB : colour;
    type = type == null ? Type.FLOAT32 : type;
    scale = scale == null ? 1.0 : scale;
    mean = channels("preprocessing.mean", mean, colour, 0.0);
    std = channels("preprocessing.std", std, colour, 1.0);
    Checks.require(
        Double.isFinite(scale) && scale != 0,
        "preprocessing.scale is " + scale + "; expected 1/255");
    Checks.require(!std.contains(0.0), "preprocessing.std must not hold 0");
    if (type == Type.UINT8) {
      Checks.require(
          scale == 1.0 && mean.stream().allMatch(m -> m == 0) && std.stream().allMatch(s -> s == 1),
          "preprocessing.type uint8 can have no scale, mean or std");
    }
    if (crop == null) {
      Checks.require(
          resize.mode() != Mode.SHORTER,
          "preprocessing.crop is missing; with resize.mode shorter pictures have no common size"
              + " without it");
    } else {
      crop = sides("preprocessing.crop", crop, 2);
      int width = resize.size().get(0);
      int height = resize.size().get(resize.size().size() - 1);
      Checks.require(
          crop.get(0) <= width && crop.get(1) <= height,
          "preprocessing.crop " + crop + " is larger than resize.size " + resize.size());
    }
  }

  static List<Integer> sides(String field, List<Integer> sides, int numbers) {
    Checks.require(
        sides != null
            && sides.size() == numbers
            && sides.stream().allMatch(s -> s != null && s > 0 && s <= 8192),
        field
            + " is "
            + sides
            + "; expected "
            + (numbers == 1 ? "one number" : "width and height")
            + " from 1 to 8192");
    return List.copyOf(sides);
  }

  private static List<Double> channels(
      String field, List<Double> values, Colour colour, double absent) {
    if (values == null) {
      return Collections.nCopies(colour.channels(), absent);
    }
    Checks.require(
        values.size() == colour.channels()
            && values.stream().allMatch(v -> v != null && Double.isFinite(v)),
        field + " is " + values + "; expected " + colour.channels() + " finite numbers");
    return List.copyOf(values);
  }

  /** The width of the tensor, in pixels. */
  public int width() {
    return crop == null ? resize.size().get(0) : crop.get(0);
  }

  /** The height of the tensor, in pixels. */
  public int height() {
    return crop == null ? resize.size().get(1) : crop.get(1);
  }

  @Override
  public Preprocessor open(Function<String, byte[]> files) {
    return new ImagePreprocessor(this);
  }
}
