package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Encoded pictures to 8-bit RGB: JPEG (progressive, gray, CMYK and YCCK too), PNG, BMP, GIF (its
 * first frame) and WebP (likewise), told apart by their first bytes.
 *
 * <ul>
 *   <li>EXIF orientation is applied.
 *   <li>Colour profiles are passed over, as Pillow does by default: the models were trained so, and
 *       converting would cost more than decoding.
 *   <li>CMYK becomes RGB as (255 - C)(255 - K) / 255, and so on, as in Pillow's {@code Convert.c}.
 *       It is inverted only where Adobe's marker says so; Pillow takes it for inverted always.
 *   <li>16 bits are cut to their upper 8.
 *   <li>What is transparent lets white through.
 * </ul>
 *
 * <p>JPEG comes out as from Pillow to the last bit (both use the Independent JPEG Group's transform
 * and upsampling). Lossy WebP differs by about 2 of 255 on average: TwelveMonkeys repeats the
 * halved colour planes where libwebp interpolates them.
 *
 * <p>Samples are read from the decoder's raster rather than by {@code BufferedImage.getRGB}, which
 * would take gray for linear light and brighten it, and would run every pixel through the profile.
 *
 * <p>Pictures come from anybody. The size is read first, and memory for so many pixels is waited
 * for before anything is decoded, so that several threads cannot exhaust the heap together.
 */
final class ImageDecoder {

  private enum Format {
    JPEG(7),
    PNG(11),
    GIF(11),
    BMP(11),
    WEBP(11);

    /** The decoder's raster and our RGB, at worst: CMYK for JPEG, four channels of 16 bits else. */
    private final int bytesPerPixel;

    Format(int bytesPerPixel) {
      this.bytesPerPixel = bytesPerPixel;
    }

    long maxPixels() {
      return Math.min(100_000_000, BUDGET * 1024L / bytesPerPixel);
    }
  }

  private static final int MAX_SIDE = 65_535;

  /** Half of the heap, in KiB: what all pictures that are being decoded may take together. */
  private static final int BUDGET =
      (int) Math.min(Integer.MAX_VALUE, Runtime.getRuntime().maxMemory() / 2 / 1024);

  private static final Semaphore MEMORY = new Semaphore(BUDGET);

  /**
   * What 65,536 groups of five tables take, in KiB, which a lossless WebP of any size may ask for.
   */
  private static final int HUFFMAN_TABLES = 340 << 10;

  private static final Map<Format, ImageReaderSpi> READERS = readers();

  private ImageDecoder() {}

  private static Map<Format, ImageReaderSpi> readers() {
    Map<Format, ImageReaderSpi> readers = new EnumMap<>(Format.class);
    for (Format format : Format.values()) {
      Iterator<ImageReader> found =
          ImageIO.getImageReadersByFormatName(format.name().toLowerCase(Locale.ROOT));
      while (found.hasNext()) {
        ImageReader reader = found.next();
        ImageReaderSpi spi = reader.getOriginatingProvider();
        // TwelveMonkeys where it has a reader: it takes damaged headers that the JDK's does not.
        if (spi.getVendorName().contains("TwelveMonkeys") || !readers.containsKey(format)) {
          readers.put(format, spi);
        }
        reader.dispose();
      }
    }
    return readers;
  }

  static {
    ImageIO.setUseCache(false); // no temporary files
  }

  /**
   * Decodes a picture.
   *
   * @param bytes an encoded picture; not changed
   * @return RGB, upright
   * @throws BadInputException with the reason alone: not a picture, an unknown kind, too large, cut
   *     off or damaged
   */
  static Pixels decode(byte[] bytes) {
    Format format = format(bytes);
    Container container =
        switch (format) {
          case JPEG -> Container.ofJpeg(bytes);
          case PNG -> Container.ofPng(bytes);
          case WEBP -> Container.ofWebp(bytes);
          case GIF, BMP -> Container.NONE;
        };
    try {
      return decode(bytes, format, container);
    } catch (OutOfMemoryError e) {
      // All that was reserved for this picture is free again, so the next one finds its memory.
      throw new BadInputException("takes more memory to decode than there is", e);
    } catch (IOException | RuntimeException e) {
      if (e instanceof BadInputException bad) {
        throw bad;
      }
      // Decoders answer damaged data with whatever exception it runs them into.
      throw new BadInputException("a damaged " + format + " picture (" + reason(e) + ")", e);
    }
  }

  private static String reason(Exception e) {
    String message = e.getMessage();
    return message == null || message.isBlank()
        ? e.getClass().getSimpleName()
        : message.lines().findFirst().orElse("").strip();
  }

  private static Pixels decode(byte[] bytes, Format format, Container container)
      throws IOException {
    List<String> warnings = new ArrayList<>();
    ImageReader reader = READERS.get(format).createReaderInstance();
    int permits = 0;
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
      // Metadata are passed over: compressed comments in a PNG may be bombs of their own.
      reader.setInput(in, true, true);
      permits = permits(reader.getWidth(0), reader.getHeight(0), format, container);
      MEMORY.acquireUninterruptibly(permits);
      Pixels pixels;
      if (format == Format.JPEG) {
        Raster raster = reader.readRaster(0, null);
        refuseCutOff(warnings, container);
        pixels = fromJpeg(raster, container);
      } else {
        ImageReadParam param = reader.getDefaultReadParam();
        if (format == Format.WEBP) {
          param.setDestinationType(reader.getRawImageType(0)); // else it applies the profile
        }
        pixels = fromImage(reader.read(0, param));
      }
      return pixels.oriented(container.orientation());
    } finally {
      reader.dispose();
      MEMORY.release(permits);
    }
  }

  /** How much memory decoding may take, in KiB; at most all of {@link #MEMORY}. */
  private static int permits(int width, int height, Format format, Container container) {
    if (width <= 0 || height <= 0) {
      throw new BadInputException(
          "a damaged " + format + " picture (its size is " + width + "x" + height + ")");
    }
    long pixels = (long) width * height;
    if (width > MAX_SIDE || height > MAX_SIDE || pixels > format.maxPixels()) {
      throw new BadInputException(
          "too large: "
              + width
              + "x"
              + height
              + " pixels; at most "
              + format.maxPixels() / 1_000_000
              + " million are decoded in a heap of this size, and "
              + MAX_SIDE
              + " a side");
    }
    long need = pixels * format.bytesPerPixel / 1024;
    return (int) Math.min(BUDGET, container.lossless() ? need + HUFFMAN_TABLES : need);
  }

  /**
   * The JPEG library fills up what is missing with gray and only warns. A progressive picture that
   * lacks its end may lack whole passes; of others no more than the end mark is missing then.
   */
  private static void refuseCutOff(List<String> warnings, Container container) {
    for (String warning : warnings) {
      if (warning.contains("premature end")
          || (container.progressive() && warning.contains("Missing EOI"))) {
        throw new BadInputException("a JPEG picture that is cut off (" + warning + ")");
      }
    }
  }

  private static Pixels fromJpeg(Raster raster, Container container) {
    byte[] samples = bytes(raster);
    int width = raster.getWidth();
    int height = raster.getHeight();
    return switch (raster.getNumBands()) {
      case 1 -> {
        Pixels rgb = Pixels.blank(width, height, 3);
        for (int i = 0, p = 0; i < samples.length; i++, p += 3) {
          rgb.data()[p] = samples[i];
          rgb.data()[p + 1] = samples[i];
          rgb.data()[p + 2] = samples[i];
        }
        yield rgb;
      }
      case 3 -> {
        if (container.luma()) {
          YCbCr.toRgb(samples, 3);
        }
        yield new Pixels(width, height, 3, samples);
      }
      case 4 -> {
        if (container.luma()) {
          YCbCr.toRgb(samples, 4);
        }
        yield fromCmyk(samples, container, width, height);
      }
      default ->
          throw new BadInputException(
              "a JPEG picture of " + raster.getNumBands() + " channels; expected 1, 3 or 4");
    };
  }

  private static Pixels fromCmyk(byte[] samples, Container container, int width, int height) {
    Pixels rgb = Pixels.blank(width, height, 3);
    for (int i = 0, p = 0; i < samples.length; i += 4, p += 3) {
      // Adobe stores ink upside down: 255 is none.
      int paper = container.adobe() ? samples[i + 3] & 0xFF : 255 - (samples[i + 3] & 0xFF);
      for (int c = 0; c < 3; c++) {
        int stored = samples[i + c] & 0xFF;
        if (container.luma()) {
          stored = 255 - stored;
        }
        int ink = container.adobe() ? 255 - stored : stored;
        int product = ink * paper + 128;
        rgb.data()[p + c] = (byte) (paper - (((product >> 8) + product) >> 8));
      }
    }
    return rgb;
  }

  /** All samples of an 8-bit raster, the channels of a pixel together. */
  private static byte[] bytes(Raster raster) {
    int length = raster.getWidth() * raster.getHeight() * raster.getNumBands();
    if (raster.getDataBuffer() instanceof DataBufferByte buffer
        && raster.getSampleModel() instanceof PixelInterleavedSampleModel model
        && inOrder(model)
        && buffer.getNumBanks() == 1
        && buffer.getData().length == length) {
      return buffer.getData();
    }
    int[] row = new int[raster.getWidth() * raster.getNumBands()];
    byte[] samples = new byte[length];
    int target = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, raster.getWidth(), 1, row);
      for (int sample : row) {
        samples[target++] = (byte) sample;
      }
    }
    return samples;
  }

  private static boolean inOrder(PixelInterleavedSampleModel model) {
    int[] offsets = model.getBandOffsets();
    for (int band = 0; band < offsets.length; band++) {
      if (offsets[band] != band) {
        return false;
      }
    }
    return model.getPixelStride() == offsets.length
        && model.getScanlineStride() == offsets.length * model.getWidth();
  }

  private static Pixels fromImage(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    Pixels rgb = Pixels.blank(width, height, 3);
    boolean samples = image.getColorModel() instanceof ComponentColorModel;
    int bands = image.getRaster().getNumBands();
    if (!samples && !(image.getColorModel() instanceof IndexColorModel) && bands < 3) {
      throw new BadInputException("a picture of an unknown colour model " + image.getColorModel());
    }
    // Palettes and packed pixels are sRGB already.
    int[] row = new int[width * (samples ? bands : 1)];
    int shift = image.getRaster().getTransferType() == DataBuffer.TYPE_USHORT ? 8 : 0;
    boolean alpha = samples ? bands == 2 || bands == 4 : image.getColorModel().hasAlpha();
    int target = 0;
    for (int y = 0; y < height; y++) {
      if (samples) {
        image.getRaster().getPixels(0, y, width, 1, row);
      } else {
        image.getRGB(0, y, width, 1, row, 0, width);
      }
      for (int x = 0; x < width; x++, target += 3) {
        int red;
        int green;
        int blue;
        int opacity = 255;
        if (samples) {
          int p = x * bands;
          red = row[p] >> shift;
          green = bands < 3 ? red : row[p + 1] >> shift;
          blue = bands < 3 ? red : row[p + 2] >> shift;
          opacity = alpha ? row[p + bands - 1] >> shift : 255;
        } else {
          red = row[x] >> 16 & 0xFF;
          green = row[x] >> 8 & 0xFF;
          blue = row[x] & 0xFF;
          opacity = alpha ? row[x] >>> 24 : 255;
        }
        rgb.data()[target] = onWhite(red, opacity);
        rgb.data()[target + 1] = onWhite(green, opacity);
        rgb.data()[target + 2] = onWhite(blue, opacity);
      }
    }
    return rgb;
  }

  private static byte onWhite(int value, int opacity) {
    return (byte) (opacity == 255 ? value : (value * opacity + 255 * (255 - opacity) + 127) / 255);
  }

  static String mediaType(byte[] bytes) {
    return "image/" + format(bytes).name().toLowerCase(Locale.ROOT);
  }

  private static Format format(byte[] bytes) {
    if (bytes.length == 0) {
      throw new BadInputException("empty (0 bytes); expected a picture");
    }
    if (starts(bytes, 0, 0xFF, 0xD8, 0xFF)) {
      return Format.JPEG;
    }
    if (starts(bytes, 0, 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n')) {
      return Format.PNG;
    }
    if (starts(bytes, 0, 'G', 'I', 'F', '8')) {
      return Format.GIF;
    }
    if (starts(bytes, 0, 'R', 'I', 'F', 'F') && starts(bytes, 8, 'W', 'E', 'B', 'P')) {
      return Format.WEBP;
    }
    if (starts(bytes, 0, 'B', 'M')) {
      return Format.BMP;
    }
    throw new BadInputException(
        "not a picture that can be read: "
            + looksLike(bytes)
            + "; expected JPEG, PNG, BMP, GIF or WebP");
  }

  private static String looksLike(byte[] bytes) {
    if (starts(bytes, 0, 'I', 'I', '*', 0) || starts(bytes, 0, 'M', 'M', 0, '*')) {
      return "it is a TIFF file";
    }
    if (starts(bytes, 4, 'f', 't', 'y', 'p')) {
      return "it is a HEIC, AVIF or video file (ISO base media)";
    }
    if (starts(bytes, 0, '%', 'P', 'D', 'F')) {
      return "it is a PDF file";
    }
    if (starts(bytes, 0, 'M', 'Z') || starts(bytes, 0, 0x7F, 'E', 'L', 'F')) {
      return "it is a program";
    }
    if (starts(bytes, 0, 'P', 'K', 3, 4)) {
      return "it is a ZIP file, or a document in one";
    }
    int shown = Math.min(24, bytes.length);
    boolean text = true;
    for (int i = 0; i < shown; i++) {
      int b = bytes[i] & 0xFF;
      text &= b >= 0x20 && b != 0x7F || b == '\n' || b == '\r' || b == '\t';
    }
    if (text) {
      String start = new String(bytes, 0, shown, StandardCharsets.UTF_8);
      return "its first bytes are text (\"" + start.replaceAll("\\s+", " ") + "\")";
    }
    StringBuilder hex = new StringBuilder("its first bytes are");
    for (int i = 0; i < Math.min(8, bytes.length); i++) {
      hex.append(String.format(" %02x", bytes[i]));
    }
    return hex.toString();
  }

  private static boolean starts(byte[] bytes, int at, int... expected) {
    if (bytes.length < at + expected.length) {
      return false;
    }
    for (int i = 0; i < expected.length; i++) {
      if ((bytes[at + i] & 0xFF) != expected[i]) {
        return false;
      }
    }
    return true;
  }
}
