package dev.headstart.server.grpc;

import dev.headstart.error.UnavailableException;
import dev.headstart.server.protocol.Room;
import io.grpc.Context;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/**
 * What one call takes of the {@link Room}: its messages from their first bytes on, which gRPC
 * gathers, until the call is over and what it asked for is done, whichever is later. A call that
 * finds no room is closed.
 */
final class CallMemory extends ServerStreamTracer {
  private static final Context.Key<CallMemory> KEY = Context.key("headstart-memory");

  private final Room room;

  // Guarded by this object's lock.
  private Room.Lease lease;
  private int users = 1;

  /** From before its first bytes arrive until it is closed. */
  private volatile ServerCall<?, ?> call;

  private CallMemory(Room room) {
    this.room = room;
    this.lease = room.lease();
  }

  /** Makes one for each call. */
  static ServerStreamTracer.Factory factory(Room room) {
    return new ServerStreamTracer.Factory() {
      @Override
      public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
        return new CallMemory(room);
      }
    };
  }

  /** Tells each what call it belongs to. */
  static final class Interceptor implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      CallMemory memory = current();
      if (memory == null) {
        return next.startCall(call, headers);
      }
      ServerCall<Q, A> own =
          new SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
              memory.call = null;
              super.close(status, trailers);
            }
          };
      memory.call = own;
      return next.startCall(own, headers);
    }
  }

  /** Of the call that this thread works on; null for calls inside the process. */
  static CallMemory current() {
    return KEY.get();
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(KEY, this);
  }

  /** Bytes of a message, as they arrive. */
  @Override
  public void inboundWireSize(long bytes) {
    ServerCall<?, ?> open = call;
    if (open == null) {
      return; // closed: what is still on its way is not kept
    }
    try {
      take(bytes);
    } catch (UnavailableException e) {
      StatusRuntimeException refusal = Statuses.of(e);
      open.close(refusal.getStatus(), refusal.getTrailers());
    }
  }

  /**
   * @throws UnavailableException if there is no room for so much more
   */
  synchronized void take(long bytes) {
    if (users > 0) {
      lease.take(bytes);
    }
  }

  /** The messages so far belong to somebody else; those to come are this call's again. */
  synchronized Room.Lease handOver() {
    Room.Lease taken = lease;
    lease = room.lease();
    return taken;
  }

  /** Somebody works on this call's message; what it holds is kept until {@link #release}. */
  synchronized void retain() {
    users++;
  }

  synchronized void release() {
    if (--users == 0) {
      lease.close();
    }
  }

  @Override
  public void streamClosed(Status status) {
    release();
  }
}
