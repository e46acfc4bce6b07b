package dev.headstart.bench.load;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.function.LongConsumer;

/**
 * A connection that sends the same request again and again, prepared beforehand, so that the client
 * takes as little as can be of the cores that it shares with the server. Not blocking; used by one
 * thread.
 */
abstract class Connection implements AutoCloseable {
  final SocketChannel channel;

  /** Bytes that came and are not read yet; between calls it is ready to be written to. */
  final ByteBuffer in = ByteBuffer.allocateDirect(1 << 18);

  Connection(int port) throws IOException {
    channel = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
  }

  /** Whether another request can be begun. */
  abstract boolean free();

  /** Whether all that was asked is answered. */
  abstract boolean idle();

  /**
   * Begins a request.
   *
   * @param intended when it should have begun; given back when it is answered
   */
  abstract void send(long intended) throws IOException;

  /**
   * Writes what is still to be written.
   *
   * @return whether something is left
   */
  abstract boolean flush() throws IOException;

  /** Reads what is in {@link #in}, ready to be read, as far as it is whole. */
  abstract void read(LongConsumer answered) throws IOException;

  /**
   * Takes what has come.
   *
   * @param answered is given the intended time of every request that was answered
   * @throws IOException if the server closed the connection, or answered anything but success
   */
  final void receive(LongConsumer answered) throws IOException {
    int count = channel.read(in);
    if (count < 0) {
      throw new EOFException("the server closed the connection");
    }
    in.flip();
    read(answered);
    in.compact();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
