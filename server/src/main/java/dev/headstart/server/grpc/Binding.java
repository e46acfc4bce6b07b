package dev.headstart.server.grpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import dev.headstart.error.UnavailableException;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.protocol.Room;
import io.grpc.ForwardingServerCallListener;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;

/**
 * A service whose requests are read our way. grpc-java's own reader answers UNKNOWN to bytes that
 * are no message, where the client is to blame, and copies every field of bytes once more.
 */
final class Binding {
  /** Bytes of a message beside its raw tensors; as an object it is many times that. */
  private static final int MOST_PARSED = 16 << 20;

  /** Inputs, outputs, raw tensors and parameters of a request together. */
  private static final int MOST_FIELDS = 2048;

  /** A byte of a message becomes an INT64 in it. */
  private static final int GROWS = 8;

  private Binding() {}

  /** The same service, its requests read by {@link RequestReader}. */
  static ServerServiceDefinition of(ServerServiceDefinition service) {
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(service.getServiceDescriptor().getName())
            .setSchemaDescriptor(service.getServiceDescriptor().getSchemaDescriptor());
    var methods = service.getMethods().stream().map(Binding::bound).toList();
    methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
    ServerServiceDefinition.Builder bound = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(bound::addMethod);
    return bound.build();
  }

  private static <Q, R> ServerMethodDefinition<Object, R> bound(
      ServerMethodDefinition<Q, R> method) {
    MethodDescriptor<Q, R> descriptor = method.getMethodDescriptor();
    return ServerMethodDefinition.create(
        descriptor.toBuilder(
                new RequestReader(descriptor.getRequestMarshaller()),
                descriptor.getResponseMarshaller())
            .build(),
        new Refusing<>(method.getServerCallHandler()));
  }

  /** Reads a message, or what is to be answered to something that is none. */
  private record RequestReader(MessageLite prototype) implements Marshaller<Object> {

    RequestReader(Marshaller<?> original) {
      this((MessageLite) ((PrototypeMarshaller<?>) original).getMessagePrototype());
    }

    @Override
    public InputStream stream(Object message) {
      throw new UnsupportedOperationException("a server writes no requests");
    }

    @Override
    public Object parse(InputStream stream) {
      try {
        // The array is the message's alone, so that its fields of bytes can be views of it.
        byte[] bytes = bytes(stream);
        reserve(bytes);
        CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
        in.enableAliasing(true);
        return prototype.getParserForType().parseFrom(in);
      } catch (InvalidProtocolBufferException e) {
        return refusal("the request is no " + prototype.getClass().getSimpleName(), e);
      } catch (IOException e) {
        return refusal("the request cannot be decompressed", e);
      } catch (UnavailableException e) {
        return Statuses.of(e);
      } catch (StatusRuntimeException e) {
        // More bytes than allowed, once decompressed.
        return e;
      }
    }

    /**
     * Takes the room for what a large message becomes: raw tensors stay as they are, all else
     * becomes objects, some of which are many times what they were as bytes.
     */
    private static void reserve(byte[] bytes) throws IOException {
      CallMemory memory = CallMemory.current();
      if (memory == null || bytes.length <= Room.FREE) {
        return;
      }
      CodedInputStream in = CodedInputStream.newInstance(bytes);
      long raw = 0;
      int fields = 0;
      for (int tag; (tag = in.readTag()) != 0; ) {
        int from = in.getTotalBytesRead();
        in.skipField(tag);
        if (WireFormat.getTagFieldNumber(tag)
            == ModelInferRequest.RAW_INPUT_CONTENTS_FIELD_NUMBER) {
          raw += in.getTotalBytesRead() - from;
        }
        if (++fields > MOST_FIELDS) {
          throw tooMuch("a message has " + MOST_FIELDS + " fields at most");
        }
      }
      if (bytes.length - raw > MOST_PARSED) {
        throw tooMuch(
            "a message has "
                + MOST_PARSED
                + " bytes outside raw_input_contents at most: send large tensors there");
      }
      memory.take(GROWS * (bytes.length - raw));
    }

    private static StatusRuntimeException tooMuch(String what) {
      return Status.RESOURCE_EXHAUSTED.withDescription(what).asRuntimeException();
    }

    private static byte[] bytes(InputStream stream) throws IOException {
      if (!(stream instanceof KnownLength)) {
        byte[] decompressed = stream.readAllBytes();
        if (CallMemory.current() != null) {
          CallMemory.current().take(decompressed.length);
        }
        return decompressed;
      }
      byte[] bytes = new byte[stream.available()];
      stream.readNBytes(bytes, 0, bytes.length);
      return bytes;
    }

    private static StatusRuntimeException refusal(String what, IOException why) {
      return Status.INVALID_ARGUMENT
          .withDescription(what + ": " + why.getMessage())
          .asRuntimeException();
    }
  }

  /** Ends the call on a message that could not be read. */
  private record Refusing<Q, R>(ServerCallHandler<Q, R> handler)
      implements ServerCallHandler<Object, R> {

    @Override
    public ServerCall.Listener<Object> startCall(ServerCall<Object, R> call, Metadata headers) {
      // The handler never looks into a call's request type, which is only a name at run time.
      @SuppressWarnings("unchecked")
      ServerCall<Q, R> same = (ServerCall<Q, R>) call;
      @SuppressWarnings("unchecked")
      ServerCall.Listener<Object> listener =
          (ServerCall.Listener<Object>) handler.startCall(same, headers);
      return new ForwardingServerCallListener.SimpleForwardingServerCallListener<>(listener) {
        private boolean refused;

        @Override
        public void onMessage(Object message) {
          if (refused) {
            return;
          }
          if (message instanceof StatusRuntimeException refusal) {
            refused = true;
            call.close(refusal.getStatus(), new Metadata());
          } else {
            super.onMessage(message);
          }
        }

        @Override
        public void onHalfClose() {
          if (!refused) {
            super.onHalfClose();
          }
        }
      };
    }
  }
}
