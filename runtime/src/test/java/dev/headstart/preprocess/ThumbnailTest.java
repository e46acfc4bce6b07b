package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ThumbnailTest {

  /** Red on the left, blue on the right. */
  private static byte[] picture(int width, int height, String format) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.RED);
    graphics.fillRect(0, 0, width, height);
    graphics.setColor(Color.BLUE);
    graphics.fillRect(width / 2, 0, width - width / 2, height);
    graphics.dispose();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, format, out);
    return out.toByteArray();
  }

  private static BufferedImage thumbnail(byte[] picture) throws IOException {
    byte[] jpeg = Thumbnail.of(picture);
    assertEquals(0xFF, jpeg[0] & 0xFF);
    assertEquals(0xD8, jpeg[1] & 0xFF);
    return ImageIO.read(new ByteArrayInputStream(jpeg));
  }

  private static void assertColour(Color expected, int rgb) {
    Color got = new Color(rgb);
    assertTrue(
        Math.abs(expected.getRed() - got.getRed()) < 20
            && Math.abs(expected.getGreen() - got.getGreen()) < 20
            && Math.abs(expected.getBlue() - got.getBlue()) < 20,
        expected + " but " + got);
  }

  @Test
  void theLongerSideFitsAndThePictureIsTheSame() throws IOException {
    BufferedImage wide = thumbnail(picture(800, 300, "png"));
    assertEquals(192, wide.getWidth());
    assertEquals(72, wide.getHeight());
    assertColour(Color.RED, wide.getRGB(20, 30));
    assertColour(Color.BLUE, wide.getRGB(170, 30));
    BufferedImage high = thumbnail(picture(300, 800, "jpeg"));
    assertEquals(72, high.getWidth());
    assertEquals(192, high.getHeight());
  }

  @Test
  void smallPicturesKeepTheirSize() throws IOException {
    BufferedImage small = thumbnail(picture(28, 27, "png"));
    assertEquals(28, small.getWidth());
    assertEquals(27, small.getHeight());
    BufferedImage thin = thumbnail(picture(3000, 1, "png"));
    assertEquals(192, thin.getWidth());
    assertEquals(1, thin.getHeight());
  }

  @Test
  void whatIsNoPictureIsRefused() {
    assertThrows(BadInputException.class, () -> Thumbnail.of("not a picture".getBytes()));
    assertThrows(BadInputException.class, () -> Thumbnail.of(new byte[0]));
  }
}
