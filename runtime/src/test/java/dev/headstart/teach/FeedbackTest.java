package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.NotFoundException;
import dev.headstart.sample.Modality;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class FeedbackTest {

  @Test
  void whatWasAskedIsTheSampleItself() {
    Feedback feedback = new Feedback(10, 1 << 20);
    TextSample text = new TextSample("t", "der Motor klemmt");
    VectorSample vector = new VectorSample("v", new float[] {1, -2.5f});
    String one = feedback.remember("a", 3, Modality.TEXT, text.bytes());
    String other = feedback.remember("b", 0, Modality.VECTOR, vector.bytes());
    assertTrue(one.matches("p-[0-9a-f]{32}"), one);
    assertEquals(text.sha256(), feedback.get(one).sample("x").sha256());
    assertEquals(vector.sha256(), feedback.get(other).sample("x").sha256());
    assertEquals("a", feedback.get(one).head());
    assertEquals(3, feedback.get(one).version());
    feedback.forget("a");
    assertThrows(NotFoundException.class, () -> feedback.get(one));
    assertArrayEquals(vector.bytes(), feedback.get(other).bytes());
  }

  @Test
  void theOldestGoFirstByNumberAndByBytes() {
    Feedback few = new Feedback(3, 1 << 20);
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      ids.add(few.remember("a", 1, Modality.IMAGE, new byte[] {(byte) i}));
    }
    assertEquals(10, new HashSet<>(ids).size());
    assertThrows(NotFoundException.class, () -> few.get(ids.get(6)));
    assertEquals(7, few.get(ids.get(7)).bytes()[0]);

    Feedback small = new Feedback(1000, 10_000);
    String first = small.remember("a", 1, Modality.IMAGE, new byte[4000]);
    String second = small.remember("a", 1, Modality.IMAGE, new byte[4000]);
    String third = small.remember("a", 1, Modality.IMAGE, new byte[4000]);
    assertThrows(NotFoundException.class, () -> small.get(first));
    small.get(second);
    small.get(third);
    String huge = small.remember("a", 1, Modality.IMAGE, new byte[1 << 20]);
    assertThrows(NotFoundException.class, () -> small.get(huge));
    assertEquals(0, small.bytes());
    String none = new Feedback(0, 1 << 20).remember("a", 1, Modality.IMAGE, new byte[1]);
    assertTrue(none.startsWith("p-"));
  }
}
