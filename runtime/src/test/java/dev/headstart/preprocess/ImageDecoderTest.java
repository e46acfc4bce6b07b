package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Small pictures of every kind, against what Pillow sees in them. */
class ImageDecoderTest {

  private static final JsonNode PICTURES = Fixtures.json("pictures.json").get("pictures");

  @TestFactory
  Stream<DynamicTest> decodesAsPillowDoes() {
    Iterable<Map.Entry<String, JsonNode>> pictures = () -> PICTURES.properties().iterator();
    return StreamSupport.stream(pictures.spliterator(), false)
        .map(p -> DynamicTest.dynamicTest(p.getKey(), () -> decodes(p.getKey(), p.getValue())));
  }

  private static void decodes(String name, JsonNode expected) {
    Pixels pixels = ImageDecoder.decode(Fixtures.bytes(name));
    assertEquals(expected.get("width").asInt(), pixels.width());
    assertEquals(expected.get("height").asInt(), pixels.height());
    assertEquals(3, pixels.channels());
    byte[] rgb = Fixtures.base64(expected.get("rgb"));
    if (name.equals("lossy.webp")) {
      // TwelveMonkeys repeats the halved colour planes where libwebp interpolates; the edges of
      // this
      // little picture are nothing but colour.
      assertEquals(0, meanDifference(rgb, pixels.data()), 8);
      return;
    }
    int difference = Fixtures.difference(rgb, pixels.data());
    assertTrue(difference <= expected.get("tolerance").asInt(), "differs by " + difference);
  }

  private static double meanDifference(byte[] a, byte[] b) {
    assertEquals(a.length, b.length);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((a[i] & 0xFF) - (b[i] & 0xFF));
    }
    return sum / a.length;
  }

  private static String refusal(byte[] bytes) {
    String message =
        assertThrows(BadInputException.class, () -> ImageDecoder.decode(bytes)).getMessage();
    System.out.println(message);
    return message;
  }

  @Test
  void saysWhatIsNoPicture() {
    assertContains(refusal(new byte[0]), "empty");
    assertContains(
        refusal("hello world, I am a note".getBytes(StandardCharsets.UTF_8)),
        "first bytes are text (\"hello world");
    assertContains(refusal("%PDF-1.7".getBytes(StandardCharsets.UTF_8)), "PDF");
    assertContains(refusal("\0\0\0\30ftypheic".getBytes(StandardCharsets.UTF_8)), "HEIC");
    assertContains(refusal(new byte[] {'I', 'I', '*', 0, 8, 0}), "TIFF");
    assertContains(refusal(new byte[] {1, 2, 3}), "01 02 03");
    assertContains(refusal(new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF}), "JPEG");
    assertContains(refusal("BM".getBytes(StandardCharsets.UTF_8)), "BMP");
    assertContains(refusal("GIF89a".getBytes(StandardCharsets.UTF_8)), "GIF");
    assertContains(refusal("RIFF\4\0\0\0WEBP".getBytes(StandardCharsets.UTF_8)), "WEBP");
  }

  private static void assertContains(String message, String part) {
    assertTrue(message.contains(part), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "420.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "rgb.png",
        "palette.gif",
        "rgb.bmp",
        "lossy.webp",
        "lossless.webp",
        "alpha.webp"
      })
  void refusesWhatIsCutOff(String name) {
    byte[] whole = Fixtures.bytes(name);
    for (int percent : new int[] {95, 80, 60, 30, 10}) {
      byte[] part = Arrays.copyOf(whole, whole.length * percent / 100);
      assertThrows(
          BadInputException.class, () -> ImageDecoder.decode(part), name + " " + percent + " %");
    }
  }

  /** Only the end mark is missing: all of the picture is there, and Pillow takes it as well. */
  @Test
  void takesJpegWithoutItsEndMark() {
    byte[] whole = Fixtures.bytes("420.jpg");
    Pixels pixels = ImageDecoder.decode(Arrays.copyOf(whole, whole.length - 2));
    assertEquals(
        0, Fixtures.difference(pixels.data(), Fixtures.base64(PICTURES.get("420.jpg").get("rgb"))));
  }

  @Test
  void refusesBombsByTheirHeader() {
    byte[] png = Fixtures.bytes("rgb.png");
    assertContains(refusal(withPngSize(png, 60_000, 60_000)), "too large: 60000x60000");
    assertContains(refusal(withPngSize(png, 1_000_000, 1)), "too large");
    assertContains(refusal(withPngSize(png, -1, -1)), "PNG");
    byte[] gif = Fixtures.bytes("palette.gif");
    int frame = indexOf(gif, (byte) 0x2C);
    for (int i = 5; i < 9; i++) {
      gif[frame + i] = -1;
    }
    assertContains(refusal(gif), "too large: 65535x65535");
    byte[] bmp = Fixtures.bytes("rgb.bmp");
    ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 50_000).putInt(22, 50_000);
    assertContains(refusal(bmp), "too large: 50000x50000");
    byte[] jpeg = Fixtures.bytes("420.jpg");
    for (int i = 0; i + 9 < jpeg.length; i++) {
      if ((jpeg[i] & 0xFF) == 0xFF && (jpeg[i + 1] & 0xFF) == 0xC0) {
        ByteBuffer.wrap(jpeg).putShort(i + 5, (short) 65000).putShort(i + 7, (short) 65000);
      }
    }
    assertContains(refusal(jpeg), "too large: 65000x65000");
  }

  /** A chunk that says it is two gigabytes long must not make anybody reserve them. */
  @Test
  void refusesChunksLongerThanTheFile() {
    byte[] png = Fixtures.bytes("palette.png");
    int palette = new String(png, StandardCharsets.ISO_8859_1).indexOf("PLTE");
    ByteBuffer.wrap(png).putInt(palette - 4, Integer.MAX_VALUE);
    assertContains(refusal(png), "cut off");
    byte[] webp = Fixtures.bytes("orientation6.webp");
    int exif = new String(webp, StandardCharsets.ISO_8859_1).lastIndexOf("EXIF");
    ByteBuffer.wrap(webp).putInt(exif + 4, -1);
    assertContains(refusal(webp), "damaged WebP");
  }

  /** A thousand scans over one small picture: harmless here, hours on a large one. */
  @Test
  void refusesJpegOfTooManyScans() {
    byte[] jpeg = Fixtures.bytes("progressive.jpg");
    int scan = new String(jpeg, StandardCharsets.ISO_8859_1).lastIndexOf("\u00ff\u00da");
    ByteBuffer bomb = ByteBuffer.allocate(jpeg.length + 1000 * (jpeg.length - 2 - scan));
    bomb.put(jpeg, 0, jpeg.length - 2);
    for (int i = 0; i < 1000; i++) {
      bomb.put(jpeg, scan, jpeg.length - 2 - scan);
    }
    bomb.put(jpeg, jpeg.length - 2, 2);
    assertContains(refusal(bomb.array()), "scans");
  }

  @Test
  void brokenExifIsPassedOver() {
    byte[] jpeg = Fixtures.bytes("orientation6.jpg");
    int exif = new String(jpeg, StandardCharsets.ISO_8859_1).indexOf("Exif");
    for (int i = exif + 6; i < exif + 20; i++) {
      jpeg[i] = (byte) 0xEE;
    }
    assertEquals(24, ImageDecoder.decode(jpeg).width());
  }

  /** Whatever the bytes are: a picture or a refusal, never another exception, never a hang. */
  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void mutatedPicturesAreDecodedOrRefused() {
    long seed = Long.getLong("seed", 20_261_101);
    int rounds = Integer.getInteger("rounds", 40);
    System.out.println("seed " + seed + ", " + rounds + " rounds a picture");
    Random random = new Random(seed);
    List<String> names = new ArrayList<>();
    PICTURES.fieldNames().forEachRemaining(names::add);
    int refused = 0;
    for (String name : names) {
      byte[] picture = Fixtures.bytes(name);
      for (int round = 0; round < rounds; round++) {
        byte[] mutated = mutated(picture, random, name.endsWith(".png"));
        try {
          Pixels pixels = ImageDecoder.decode(mutated);
          assertEquals(pixels.width() * pixels.height() * 3, pixels.data().length);
        } catch (BadInputException e) {
          refused++;
        } catch (Throwable e) {
          throw new AssertionError(name + ", seed " + seed + ", round " + round, e);
        }
      }
    }
    System.out.println("refused " + refused + " of " + names.size() * rounds);
    assertTrue(refused > 0);
  }

  private static byte[] mutated(byte[] picture, Random random, boolean png) {
    byte[] mutated = picture.clone();
    int changes = 1 + random.nextInt(4);
    // Headers are where the harm is.
    int range = random.nextBoolean() ? Math.min(64, mutated.length) : mutated.length;
    for (int i = 0; i < changes; i++) {
      int at = 4 + random.nextInt(range - 4);
      mutated[at] =
          switch (random.nextInt(3)) {
            case 0 -> (byte) random.nextInt(256);
            case 1 -> (byte) (mutated[at] ^ 1 << random.nextInt(8));
            default -> (byte) (random.nextBoolean() ? 0xFF : 0x7F);
          };
    }
    if (random.nextInt(8) == 0) {
      mutated = Arrays.copyOf(mutated, random.nextInt(mutated.length));
    }
    return png ? withGoodChecksums(mutated) : mutated;
  }

  private static byte[] withPngSize(byte[] png, int width, int height) {
    byte[] changed = png.clone();
    ByteBuffer.wrap(changed).putInt(16, width).putInt(20, height);
    return withGoodChecksums(changed);
  }

  /** So that it is not the checksum that a decoder stumbles over. */
  private static byte[] withGoodChecksums(byte[] png) {
    ByteBuffer buffer = ByteBuffer.wrap(png);
    for (int p = 8; p + 12 <= png.length; ) {
      int length = buffer.getInt(p);
      if (length < 0 || length > png.length - p - 12) {
        break;
      }
      CRC32 crc = new CRC32();
      crc.update(png, p + 4, length + 4);
      buffer.putInt(p + 8 + length, (int) crc.getValue());
      p += 12 + length;
    }
    return png;
  }

  private static int indexOf(byte[] bytes, byte value) {
    for (int i = 13 + 3 * (2 << (bytes[10] & 7)); i < bytes.length; i++) {
      if (bytes[i] == value) {
        return i;
      }
    }
    throw new AssertionError("no frame");
  }
}
