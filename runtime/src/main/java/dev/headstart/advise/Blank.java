package dev.headstart.advise;

import dev.headstart.error.BadInputException;
import dev.headstart.preprocess.Miniature;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Samples with nothing in them: pictures of one colour, texts without a letter or digit.
 *
 * <p>Only a picture that is much smaller as a file than the others can be of one colour; so few are
 * decoded.
 */
final class Blank {
  /** Luma that a lens cap, a scanner or JPEG leaves, of 255. */
  private static final int EVEN = 8;

  /** Bytes that any small picture may have. */
  private static final int SMALL = 4 << 10;

  /** Bytes that are read for this at most. */
  private static final long READ = 512L << 20;

  private Blank() {}

  /** Rows of blank samples, ascending; samples that cannot be read are none. */
  static int[] rows(List<Sample> samples) {
    int[] sizes = new int[samples.size()];
    long read = 0;
    for (int i = 0; i < sizes.length && read < READ; i++) {
      if (samples.get(i) instanceof ImageSample image) {
        sizes[i] = bytes(image).length;
        read += sizes[i];
      }
    }
    int[] sorted = Arrays.stream(sizes).filter(size -> size > 0).sorted().toArray();
    int large = sorted.length == 0 ? 0 : Math.max(SMALL, sorted[sorted.length / 2] / 4);
    return IntStream.range(0, sizes.length)
        .filter(
            i ->
                samples.get(i) instanceof TextSample text
                    ? empty(text)
                    : sizes[i] > 0 && sizes[i] <= large && even(samples.get(i)))
        .toArray();
  }

  private static byte[] bytes(ImageSample image) {
    try {
      return image.bytes();
    } catch (BadInputException e) {
      return new byte[0]; // its features may be remembered all the same
    }
  }

  private static boolean empty(TextSample text) {
    try {
      return text.text().codePoints().noneMatch(Character::isLetterOrDigit);
    } catch (BadInputException e) {
      return false; // its file is gone, its features are remembered
    }
  }

  private static boolean even(Sample picture) {
    try {
      float[] luma = Miniature.of(picture.bytes());
      float least = Float.POSITIVE_INFINITY;
      float most = 0;
      for (float value : luma) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      return most - least <= EVEN;
    } catch (BadInputException e) {
      return false;
    }
  }
}
