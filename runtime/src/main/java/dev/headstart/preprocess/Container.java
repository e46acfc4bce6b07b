package dev.headstart.preprocess;

import com.drew.lang.ByteArrayReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.MetadataException;
import com.drew.metadata.exif.ExifDirectoryBase;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import dev.headstart.error.BadInputException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What the segments and chunks around a picture's data say, as far as decoding needs it. Checking
 * that they fit into the file comes with it, before a decoder believes their lengths.
 *
 * @param orientation EXIF's, 1 to 8; 1 where there is none
 * @param luma whether a JPEG's first three channels are Y, Cb, Cr
 * @param adobe whether a JPEG has Adobe's marker, which says that CMYK is stored inverted
 * @param progressive whether a JPEG comes in several passes
 * @param lossless whether a WebP holds losslessly coded planes
 */
record Container(
    int orientation, boolean luma, boolean adobe, boolean progressive, boolean lossless) {

  static final Container NONE = new Container(1, false, false, false, false);

  /** No encoder makes nearly as many; each costs a pass over the whole picture. */
  private static final int MAX_SCANS = 100;

  /** Walks JPEG's segments (ITU-T T.81, annex B) up to the end of the image. */
  static Container ofJpeg(byte[] b) {
    int orientation = 1;
    int transform = -1;
    boolean jfif = false;
    boolean progressive = false;
    int[] components = new int[0];
    int scans = 0;
    int p = 2;
    while (p + 4 <= b.length) {
      int marker = u8(b, p + 1);
      if (u8(b, p) != 0xFF || marker == 0 || marker == 0xFF || (marker >= 0xD0 && marker <= 0xD8)) {
        p++; // entropy-coded data, padding, restart marks, or rubbish that decoders skip as well
        continue;
      }
      if (marker == 0xD9) {
        break;
      }
      int length = u16(b, p + 2);
      int end = Math.min(b.length, p + 2 + length);
      int content = p + 4;
      if (marker == 0xE0 && has(b, content, end, "JFIF\0")) {
        jfif = true;
      } else if (marker == 0xE1 && orientation == 1 && has(b, content, end, "Exif\0\0")) {
        orientation = orientation(b, content + 6, end);
      } else if (marker == 0xEE && end - content >= 12 && has(b, content, end, "Adobe")) {
        transform = u8(b, content + 11);
      } else if (isFrame(marker) && end - content >= 6) {
        progressive = marker == 0xC2;
        components = new int[u8(b, content + 5)];
        for (int i = 0; i < components.length && content + 6 + 3 * i < end; i++) {
          components[i] = u8(b, content + 6 + 3 * i);
        }
      } else if (marker == 0xDA && ++scans > MAX_SCANS) {
        throw new BadInputException("a JPEG picture of over " + MAX_SCANS + " scans");
      }
      p = Math.max(p + 2, end);
    }
    // libjpeg's rules (jdapimin.c, default_decompress_parms).
    boolean luma =
        switch (components.length) {
          case 3 -> jfif || (transform >= 0 ? transform != 0 : !Arrays.equals(components, RGB));
          case 4 -> transform == 2;
          default -> false;
        };
    return new Container(orientation, luma, transform >= 0, progressive, false);
  }

  private static final int[] RGB = {'R', 'G', 'B'};

  private static boolean isFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  /** Walks PNG's chunks up to IEND. */
  static Container ofPng(byte[] b) {
    int orientation = 1;
    for (int p = 8; p + 8 <= b.length; ) {
      long length = (long) u16(b, p) << 16 | u16(b, p + 2);
      int content = p + 8;
      if (has(b, p + 4, content, "IEND")) {
        return new Container(orientation, false, false, false, false);
      }
      if (length > b.length - content) {
        break;
      }
      if (has(b, p + 4, content, "eXIf")) {
        orientation = orientation(b, content, content + (int) length);
      }
      p = content + (int) length + 4;
      if (p < 0) {
        break;
      }
    }
    throw new BadInputException("a PNG picture that is cut off");
  }

  /** Walks WebP's RIFF chunks. */
  static Container ofWebp(byte[] b) {
    long declared = 8 + u32(b, 4);
    if (declared > b.length) {
      throw new BadInputException(
          "a WebP picture that is cut off (" + b.length + " of " + declared + " bytes)");
    }
    int orientation = 1;
    boolean lossless = false;
    for (long p = 12; p + 8 <= declared; ) {
      int at = (int) p;
      long length = u32(b, at + 4);
      if (length > declared - p - 8) {
        throw new BadInputException("a damaged WebP picture (a chunk is longer than the file)");
      }
      // Frames of an animation hold their own chunks; those are not looked into.
      lossless |=
          has(b, at, at + 4, "VP8L") || has(b, at, at + 4, "ALPH") || has(b, at, at + 4, "ANMF");
      if (has(b, at, at + 4, "EXIF")) {
        int end = at + 8 + (int) length;
        int content = has(b, at + 8, end, "Exif\0\0") ? at + 14 : at + 8;
        orientation = orientation(b, content, end);
      }
      p += 8 + length + (length & 1);
    }
    return new Container(orientation, false, false, false, lossless);
  }

  private static int orientation(byte[] b, int from, int to) {
    try {
      Metadata metadata = new Metadata();
      new ExifReader().extract(new ByteArrayReader(Arrays.copyOfRange(b, from, to)), metadata);
      ExifIFD0Directory directory = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
      if (directory != null && directory.containsTag(ExifDirectoryBase.TAG_ORIENTATION)) {
        return directory.getInt(ExifDirectoryBase.TAG_ORIENTATION);
      }
    } catch (MetadataException | RuntimeException e) {
      // Broken EXIF is no reason to refuse a picture that decodes: viewers show it upright too.
      return 1;
    }
    return 1;
  }

  private static boolean has(byte[] b, int from, int to, String expected) {
    byte[] bytes = expected.getBytes(StandardCharsets.ISO_8859_1);
    return to - from >= bytes.length
        && Arrays.equals(b, from, from + bytes.length, bytes, 0, bytes.length);
  }

  private static int u8(byte[] b, int at) {
    return b[at] & 0xFF;
  }

  private static int u16(byte[] b, int at) {
    return u8(b, at) << 8 | u8(b, at + 1);
  }

  /** Little-endian, as RIFF is. */
  private static long u32(byte[] b, int at) {
    return u8(b, at) | u8(b, at + 1) << 8 | u8(b, at + 2) << 16 | (long) u8(b, at + 3) << 24;
  }
}
