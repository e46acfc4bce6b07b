package dev.headstart.server.grpc;

import io.grpc.Codec;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/** The message encoding {@code deflate}, in zlib's framing, which grpc-java does not bring. */
final class Deflate implements Codec {

  @Override
  public String getMessageEncoding() {
    return "deflate";
  }

  @Override
  public OutputStream compress(OutputStream out) {
    return new DeflaterOutputStream(out);
  }

  @Override
  public InputStream decompress(InputStream in) {
    return new InflaterInputStream(in);
  }
}
