package dev.headstart.bench.load;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;

/** gRPC's unary calls over HTTP/2 (RFC 9113), several at a time, as far as this needs it. */
final class GrpcConnection extends Connection {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RESET = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int GO_AWAY = 7;
  private static final int WINDOW_UPDATE = 8;
  private static final int END_STREAM = 1;
  private static final int ACKNOWLEDGED = 1;
  private static final int END_HEADERS = 4;
  private static final int FRAME_HEAD = 9;
  private static final int LARGEST_FRAME = 16_384;
  private static final int OWN_WINDOW = 1 << 30;

  /** A call: its frames, whose stream's number is written anew each time. */
  private static final class Call {
    final ByteBuffer frames;
    final int dataStart;
    int stream;
    long window;
    long intended;
    boolean data;

    Call(byte[] headers, byte[] message) {
      int pieces = (message.length + 5 + LARGEST_FRAME - 1) / LARGEST_FRAME;
      frames =
          ByteBuffer.allocateDirect(
              FRAME_HEAD + headers.length + pieces * FRAME_HEAD + message.length + 5);
      head(frames, headers.length, HEADERS, END_HEADERS, 0);
      frames.put(headers);
      dataStart = frames.position();
      ByteBuffer data = ByteBuffer.allocate(message.length + 5);
      data.put((byte) 0).putInt(message.length).put(message).flip();
      while (data.hasRemaining()) {
        int size = Math.min(LARGEST_FRAME, data.remaining());
        head(frames, size, DATA, size == data.remaining() ? END_STREAM : 0, 0);
        frames.put(data.slice(data.position(), size));
        data.position(data.position() + size);
      }
    }

    void begin(int number, long initialWindow, long when) {
      stream = number;
      window = initialWindow;
      intended = when;
      data = false;
      frames.clear();
      for (int at = 0; at < frames.capacity(); at += FRAME_HEAD + length(at)) {
        frames.putInt(at + 5, number);
      }
      frames.limit(0);
    }

    int length(int at) {
      return (frames.get(at) & 0xff) << 16 | frames.getShort(at + 1) & 0xffff;
    }
  }

  private final Deque<Call> idle = new ArrayDeque<>();
  private final Map<Integer, Call> open = new HashMap<>();

  /** Calls that are not wholly written, in the order of their numbers. */
  private final Deque<Call> writing = new ArrayDeque<>();

  private final Deque<ByteBuffer> control = new ArrayDeque<>();
  private int next = 1;
  private long window = 65_535;
  private long initialWindow = 65_535;
  private long received;

  /**
   * @param calls that may be open at a time
   */
  GrpcConnection(int port, String path, byte[] message, int calls) throws IOException {
    super(port);
    byte[] headers = headers(port, path);
    for (int i = 0; i < calls; i++) {
      idle.add(new Call(headers, message));
    }
    control.add(
        ByteBuffer.wrap("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
    ByteBuffer settings = ByteBuffer.allocate(FRAME_HEAD + 12);
    head(settings, 12, SETTINGS, 0, 0);
    settings.putShort((short) 1).putInt(0).putShort((short) 4).putInt(OWN_WINDOW);
    control.add(settings.flip());
    control.add(windowUpdate(OWN_WINDOW - 65_535));
    flush();
  }

  private static byte[] headers(int port, String path) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String[] fields = {
      ":method", "POST",
      ":scheme", "http",
      ":path", path,
      ":authority", "127.0.0.1:" + port,
      "te", "trailers",
      "content-type", "application/grpc"
    };
    for (int i = 0; i < fields.length; i += 2) {
      // A literal without indexing (RFC 7541, 6.2.2); all are shorter than 127 bytes.
      out.write(0);
      out.write(fields[i].length());
      out.write(fields[i].getBytes(StandardCharsets.US_ASCII));
      out.write(fields[i + 1].length());
      out.write(fields[i + 1].getBytes(StandardCharsets.US_ASCII));
    }
    return out.toByteArray();
  }

  private static void head(ByteBuffer to, int length, int type, int flags, int stream) {
    to.put((byte) (length >> 16)).putShort((short) length);
    to.put((byte) type).put((byte) flags).putInt(stream);
  }

  private static ByteBuffer windowUpdate(int bytes) {
    ByteBuffer frame = ByteBuffer.allocate(FRAME_HEAD + 4);
    head(frame, 4, WINDOW_UPDATE, 0, 0);
    return frame.putInt(bytes).flip();
  }

  @Override
  boolean free() {
    return !idle.isEmpty();
  }

  @Override
  boolean idle() {
    return open.isEmpty();
  }

  @Override
  void send(long intended) throws IOException {
    Call call = idle.remove();
    call.begin(next, initialWindow, intended);
    next += 2;
    open.put(call.stream, call);
    writing.add(call);
  }

  @Override
  boolean flush() throws IOException {
    while (true) {
      int calls = Math.min(writing.size(), 16);
      ByteBuffer[] buffers = new ByteBuffer[control.size() + calls];
      int count = 0;
      for (ByteBuffer frame : control) {
        buffers[count++] = frame;
      }
      for (Call call : writing) {
        if (count == buffers.length) {
          break;
        }
        allow(call);
        buffers[count++] = call.frames;
        if (call.frames.limit() < call.frames.capacity()) {
          break;
        }
      }
      if (channel.write(buffers, 0, count) == 0) {
        return !control.isEmpty() || !writing.isEmpty() && writing.peek().frames.hasRemaining();
      }
      control.removeIf(frame -> !frame.hasRemaining());
      while (!writing.isEmpty()
          && writing.peek().frames.position() == writing.peek().frames.capacity()) {
        writing.remove();
      }
      if (control.isEmpty() && writing.isEmpty()) {
        return false;
      }
    }
  }

  /** Moves the limit over as many frames as the server's windows let through. */
  private void allow(Call call) {
    if (call.frames.limit() == 0) {
      call.frames.limit(call.dataStart);
    }
    while (call.frames.limit() < call.frames.capacity()) {
      int size = length(call);
      if (size > Math.min(window, call.window)) {
        return;
      }
      window -= size;
      call.window -= size;
      call.frames.limit(call.frames.limit() + FRAME_HEAD + size);
    }
  }

  private static int length(Call call) {
    int at = call.frames.limit();
    int limit = call.frames.limit();
    call.frames.limit(call.frames.capacity());
    int length = call.length(at);
    call.frames.limit(limit);
    return length;
  }

  @Override
  void read(LongConsumer answered) throws IOException {
    while (in.remaining() >= FRAME_HEAD) {
      int at = in.position();
      int length = (in.get(at) & 0xff) << 16 | in.getShort(at + 1) & 0xffff;
      if (in.remaining() < FRAME_HEAD + length) {
        return;
      }
      int type = in.get(at + 3);
      int flags = in.get(at + 4);
      int stream = in.getInt(at + 5);
      in.position(at + FRAME_HEAD);
      frame(type, flags, stream, length, answered);
      in.position(at + FRAME_HEAD + length);
    }
  }

  private void frame(int type, int flags, int stream, int length, LongConsumer answered)
      throws IOException {
    switch (type) {
      case DATA -> {
        open.get(stream).data = true;
        received += length;
        if (received > OWN_WINDOW / 2) {
          control.add(windowUpdate((int) received));
          received = 0;
        }
      }
      case HEADERS -> {
        if ((flags & END_STREAM) != 0) {
          Call call = open.remove(stream);
          if (!call.data) {
            // Only a refusal ends without a message.
            byte[] block = new byte[length];
            in.get(block);
            throw new IOException(
                "the call failed: " + new String(block, StandardCharsets.ISO_8859_1));
          }
          idle.add(call);
          answered.accept(call.intended);
        }
      }
      case SETTINGS -> {
        if ((flags & ACKNOWLEDGED) == 0) {
          settings(length);
        }
      }
      case PING -> {
        if ((flags & ACKNOWLEDGED) == 0) {
          ByteBuffer frame = ByteBuffer.allocate(FRAME_HEAD + 8);
          head(frame, 8, PING, ACKNOWLEDGED, 0);
          control.add(frame.putLong(in.getLong()).flip());
        }
      }
      case WINDOW_UPDATE -> {
        int more = in.getInt();
        if (stream == 0) {
          window += more;
        } else if (open.get(stream) != null) {
          open.get(stream).window += more;
        }
      }
      case RESET, GO_AWAY -> throw new IOException("the server broke off, frame type " + type);
      default -> {
        // Others do not matter here.
      }
    }
  }

  private void settings(int length) {
    for (int i = 0; i < length; i += 6) {
      int name = in.getShort();
      int value = in.getInt();
      if (name == 4) {
        long change = value - initialWindow;
        initialWindow = value;
        open.values().forEach(call -> call.window += change);
      }
    }
    ByteBuffer frame = ByteBuffer.allocate(FRAME_HEAD);
    head(frame, 0, SETTINGS, ACKNOWLEDGED, 0);
    control.add(frame.flip());
  }
}
