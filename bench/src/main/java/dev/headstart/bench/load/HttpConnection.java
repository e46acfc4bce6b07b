package dev.headstart.bench.load;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.LongConsumer;

/** HTTP/1.1, kept alive, one request at a time. */
final class HttpConnection extends Connection {
  private static final String LENGTH = "\ncontent-length:";

  private final ByteBuffer request;
  private boolean busy;
  private long intended;
  private int missing = -1;

  /**
   * @param head request line and headers but {@code Host}, a line each
   */
  HttpConnection(int port, String head, byte[] body) throws IOException {
    super(port);
    byte[] start =
        (head + "\r\nHost: 127.0.0.1:" + port + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
    request = ByteBuffer.allocateDirect(start.length + body.length).put(start).put(body);
    request.position(request.limit());
  }

  @Override
  boolean free() {
    return !busy;
  }

  @Override
  boolean idle() {
    return !busy;
  }

  @Override
  void send(long when) throws IOException {
    busy = true;
    intended = when;
    request.rewind();
    flush();
  }

  @Override
  boolean flush() throws IOException {
    channel.write(request);
    return request.hasRemaining();
  }

  @Override
  void read(LongConsumer answered) throws IOException {
    if (missing < 0 && !readHead()) {
      return;
    }
    int taken = Math.min(missing, in.remaining());
    in.position(in.position() + taken);
    missing -= taken;
    if (missing == 0) {
      missing = -1;
      busy = false;
      answered.accept(intended);
    }
  }

  private boolean readHead() throws IOException {
    for (int end = in.position() + 3; end < in.limit(); end++) {
      if (in.get(end) == '\n' && in.get(end - 1) == '\r' && in.get(end - 2) == '\n') {
        byte[] bytes = new byte[end + 1 - in.position()];
        in.get(bytes);
        String head = new String(bytes, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
        int length = head.indexOf(LENGTH);
        if (!head.startsWith("http/1.1 200") || length < 0) {
          throw new IOException("expected 200 and a length, got " + head);
        }
        int from = length + LENGTH.length();
        missing = Integer.parseInt(head.substring(from, head.indexOf('\r', from)).strip());
        return true;
      }
    }
    return false;
  }
}
