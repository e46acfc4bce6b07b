package dev.headstart.server.http;

import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Limits;
import io.micronaut.http.MediaType;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.FileUpload;
import io.netty.handler.codec.http.multipart.HttpData;
import io.netty.handler.codec.http.multipart.HttpPostMultipartRequestDecoder;
import io.netty.handler.codec.http.multipart.HttpPostRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reads forms of type {@code multipart/form-data}. */
public final class Form {
  private Form() {}

  /**
   * A part.
   *
   * @param name of the field
   * @param file its file's name as the client says it; null if it is no file
   * @param type its media type; null if it is no file
   */
  public record Part(String name, String file, String type, byte[] content) {

    /** The content of a field. */
    public String text() {
      return new String(content, StandardCharsets.UTF_8);
    }
  }

  /**
   * Reads a body.
   *
   * @param most parts
   * @return in their order
   * @throws BadInputException if it is no such form, or has more parts
   */
  public static List<Part> read(byte[] body, MediaType type, int most, Limits limits) {
    String boundary = type.getParameters().get("boundary").orElse("").replace("\"", "");
    if (boundary.isBlank()) {
      throw new BadInputException("the form's content type names no boundary");
    }
    if (!ended(body, ("--" + boundary + "--").getBytes(StandardCharsets.ISO_8859_1))) {
      throw new BadInputException("the form is cut off: its last boundary is missing");
    }
    FullHttpRequest form =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1, HttpMethod.POST, "/", Unpooled.wrappedBuffer(body));
    form.headers().set(HttpHeaderNames.CONTENT_TYPE, type.toString());
    List<Part> parts = new ArrayList<>();
    HttpPostMultipartRequestDecoder decoder = null;
    try {
      decoder =
          new HttpPostMultipartRequestDecoder(
              new DefaultHttpDataFactory(false), form, StandardCharsets.UTF_8, most, limits.body());
      for (InterfaceHttpData part : decoder.getBodyHttpDatas()) {
        FileUpload upload = part instanceof FileUpload file ? file : null;
        parts.add(
            new Part(
                part.getName(),
                upload == null ? null : upload.getFilename(),
                upload == null ? null : upload.getContentType(),
                ((HttpData) part).get()));
      }
      return parts;
    } catch (HttpPostRequestDecoder.TooManyFormFieldsException e) {
      throw new BadInputException("the form has more than " + most + " parts", e);
    } catch (HttpPostRequestDecoder.TooLongFormFieldException e) {
      throw new BadInputException(
          "a part of the form has headers of more than " + limits.body() + " bytes", e);
    } catch (DecoderException e) {
      // What Netty says of these is for programmers.
      throw new BadInputException(
          "the form is not sound: the headers of one of its parts cannot be read; expected"
              + " 'Content-Disposition: form-data; name=\"…\"' and, for a file, its name",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be read", e);
    } finally {
      if (decoder != null) {
        decoder.destroy();
      }
    }
  }

  /** Whether the last boundary is there; Netty takes what is cut off for whole. */
  private static boolean ended(byte[] body, byte[] last) {
    for (int at = body.length - last.length; at >= 0; at--) {
      if (Arrays.equals(body, at, at + last.length, last, 0, last.length)) {
        return true;
      }
    }
    return false;
  }
}
