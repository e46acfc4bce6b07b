package dev.headstart.teach;

import dev.headstart.error.NotFoundException;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Remembers what was asked last, in memory only, so that who knows better can say so. The oldest go
 * first. Safe for several threads.
 */
public final class Feedback {
  /** What a prediction takes beside its sample, in bytes, roughly. */
  private static final int OVERHEAD = 300;

  private final SecureRandom random = new SecureRandom();
  private final int most;
  private final long mostBytes;
  private final Map<String, Prediction> remembered = new LinkedHashMap<>();
  private long bytes;

  /**
   * A prediction.
   *
   * @param head that was asked
   * @param version that answered; 0 for none
   * @param modality what the bytes are
   * @param bytes of the sample, as {@link Sample#bytes}
   */
  public record Prediction(String head, int version, Modality modality, byte[] bytes) {

    /**
     * What was asked about.
     *
     * @param name for people
     */
    public Sample sample(String name) {
      return switch (modality) {
        case IMAGE -> ImageSample.of(name, bytes);
        case TEXT -> new TextSample(name, new String(bytes, StandardCharsets.UTF_8));
        case VECTOR -> {
          float[] values = new float[bytes.length / 4];
          ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
          yield new VectorSample(name, values);
        }
      };
    }
  }

  /**
   * @param most predictions
   * @param mostBytes that they may take together
   */
  Feedback(int most, long mostBytes) {
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /**
   * Remembers a prediction.
   *
   * @param bytes shared, not copied
   * @return its id, which nobody can guess: {@code p-} and 32 hexadecimal digits
   */
  public String remember(String head, int version, Modality modality, byte[] bytes) {
    byte[] number = new byte[16];
    random.nextBytes(number);
    String id = "p-" + HexFormat.of().formatHex(number);
    synchronized (this) {
      remembered.put(id, new Prediction(head, version, modality, bytes));
      this.bytes += bytes.length + OVERHEAD;
      Iterator<Prediction> oldest = remembered.values().iterator();
      while (remembered.size() > most || this.bytes > mostBytes) {
        this.bytes -= oldest.next().bytes().length + OVERHEAD;
        oldest.remove();
      }
    }
    return id;
  }

  /**
   * What was asked.
   *
   * @throws NotFoundException if it is not remembered, or not any more
   */
  public synchronized Prediction get(String id) {
    Prediction found = remembered.get(id);
    if (found == null) {
      throw new NotFoundException(
          "the prediction '"
              + (id.length() > 40 ? id.substring(0, 40) + "…" : id)
              + "' is not remembered: only the last "
              + most
              + " are, until the server stops. Add the sample itself instead");
    }
    return found;
  }

  /** Forgets what a head was asked. */
  synchronized void forget(String head) {
    for (Iterator<Prediction> all = remembered.values().iterator(); all.hasNext(); ) {
      Prediction prediction = all.next();
      if (prediction.head().equals(head)) {
        bytes -= prediction.bytes().length + OVERHEAD;
        all.remove();
      }
    }
  }

  /** Bytes that are held now. */
  synchronized long bytes() {
    return bytes;
  }
}
