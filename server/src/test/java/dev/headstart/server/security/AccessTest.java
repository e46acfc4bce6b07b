package dev.headstart.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.FlowerServer;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.RepositoryModelUnloadRequest;
import dev.headstart.server.grpc.proto.ServerLiveRequest;
import dev.headstart.server.grpc.proto.ServerMetadataRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.micronaut.web.router.Router;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys, over both transports. */
class AccessTest {
  @TempDir static Path workspace;
  private static FlowerServer server;
  private static String predict;
  private static String admin;

  @BeforeAll
  static void start() throws Exception {
    predict = new ApiKeys(workspace).add("camera", Role.PREDICT);
    admin = new ApiKeys(workspace).add("chief", Role.ADMIN);
    server =
        FlowerServer.start(
            workspace,
            Map.of(
                "headstart.auth",
                "keys",
                "headstart.allowed-origins",
                List.of("https://app.example.com")));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v2/health/live",
        "/v2/health/ready",
        "/health",
        "/health/liveness",
        "/health/readiness"
      })
  void probesNeedNoKey(String path) throws Exception {
    assertEquals(200, server.get(path).statusCode());
  }

  @Test
  void withoutAKeyNothingElseIsSaid() throws Exception {
    HttpResponse<String> answer = server.get("/v2");
    assertEquals(401, answer.statusCode());
    assertTrue(answer.headers().firstValue("WWW-Authenticate").orElseThrow().startsWith("Bearer"));
    assertTrue(answer.body().startsWith("{\"error\":\"a key is needed"), answer.body());
    assertEquals(401, server.get("/prometheus").statusCode());
    assertEquals(401, server.get("/no/such/path").statusCode());
  }

  /** Browsers ask first without the key, and show a page only what names its origin. */
  @Test
  void anAllowedOriginsPageCanAskAndReadTheRefusal() throws Exception {
    String from = "Host: localhost\r\nOrigin: https://app.example.com\r\nConnection: close\r\n";
    String preflight =
        server.raw(
            "OPTIONS /v2/models/flowers/infer HTTP/1.1\r\n"
                + from
                + "Access-Control-Request-Method: POST\r\n"
                + "Access-Control-Request-Headers: x-api-key\r\n\r\n");
    assertTrue(preflight.startsWith("HTTP/1.1 200"), preflight);
    String refusal = server.raw("GET /v2 HTTP/1.1\r\n" + from + "\r\n");
    assertTrue(refusal.startsWith("HTTP/1.1 401"), refusal);
    for (String answer : List.of(preflight, refusal)) {
      assertTrue(
          answer.toLowerCase().contains("access-control-allow-origin: https://app.example.com"),
          answer);
    }
    String other = from.replace("app.", "other.");
    assertTrue(server.raw("GET /v2 HTTP/1.1\r\n" + other + "\r\n").startsWith("HTTP/1.1 403"));
  }

  @Test
  void bothHeadersCarryAKey() throws Exception {
    assertEquals(200, server.get("/v2", "Authorization", "Bearer " + predict).statusCode());
    assertEquals(200, server.get("/v2", "X-API-Key", predict).statusCode());
    assertEquals(
        200,
        server
            .post("/v2/models/flowers/infer", FlowerServer.ASK, "X-API-Key", predict)
            .statusCode());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "hs_", "Bearer", "hs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "é"})
  void anUnknownKeyIsNone(String key) throws Exception {
    assertEquals(401, server.get("/v2", "Authorization", "Bearer " + key).statusCode());
    assertEquals(401, server.get("/v2", "Authorization", "Basic " + predict).statusCode());
    assertEquals(401, server.get("/v2", "X-API-Key", key + "x").statusCode());
  }

  @Test
  void loadingAndUnloadingIsForAdministrators() throws Exception {
    String unload = "/v2/repository/models/flowers/unload";
    HttpResponse<String> refused = server.post(unload, "{}", "X-API-Key", predict);
    assertEquals(403, refused.statusCode());
    assertTrue(refused.body().contains("admin"), refused.body());
    assertEquals(200, server.post(unload, "{}", "X-API-Key", admin).statusCode());
    assertEquals(
        200,
        server.post("/v2/repository/models/flowers/load", "{}", "X-API-Key", admin).statusCode());
  }

  @Test
  void aRunningServerSeesKeysComeAndGo() throws Exception {
    String late = new ApiKeys(workspace).add("late", Role.PREDICT);
    awaitStatus(200, late);
    new ApiKeys(workspace).remove("late");
    awaitStatus(401, late);
  }

  private static void awaitStatus(int status, String key) throws Exception {
    int seen = 0;
    for (int i = 0; i < 200; i++) {
      seen = server.get("/v2", "X-API-Key", key).statusCode();
      if (seen == status) {
        return;
      }
      Thread.sleep(50);
    }
    assertEquals(status, seen);
  }

  /** A route added without a thought about its role needs an administrator's key; none is such. */
  @Test
  void everyRouteSaysWhoMayUseIt() {
    Map<String, String> silent = new TreeMap<>();
    Map<String, Role> admins = new TreeMap<>();
    server
        .server()
        .bean(Router.class)
        .uriRoutes()
        .forEach(
            route -> {
              String name = route.getHttpMethodName() + " " + route.getUriMatchTemplate();
              boolean open = route.getAnnotationMetadata().hasAnnotation(RequiresRole.Open.class);
              if (!open && !route.getAnnotationMetadata().hasAnnotation(RequiresRole.class)) {
                silent.put(name, "no @RequiresRole");
              }
              if (!open && KeyFilter.needed(route.getAnnotationMetadata()) == Role.ADMIN) {
                admins.put(name, Role.ADMIN);
              }
            });
    assertEquals(Map.of(), silent);
    assertTrue(
        admins.keySet().stream().anyMatch(name -> name.contains("/load")), admins.toString());
    assertFalse(
        admins.keySet().stream().anyMatch(name -> name.contains("infer")), admins.toString());
  }

  @Test
  void callsAreAskedForTheSameKeys() {
    ManagedChannel channel =
        Grpc.newChannelBuilderForAddress(
                "127.0.0.1", server.server().grpcPort(), InsecureChannelCredentials.create())
            .build();
    try {
      var none = GRPCInferenceServiceGrpc.newBlockingStub(channel);
      assertTrue(none.serverLive(ServerLiveRequest.getDefaultInstance()).getLive());
      assertEquals(
          Status.Code.UNAUTHENTICATED,
          assertThrows(
                  StatusRuntimeException.class,
                  () -> none.serverMetadata(ServerMetadataRequest.getDefaultInstance()))
              .getStatus()
              .getCode());
      for (String[] header :
          List.of(
              new String[] {"authorization", "Bearer " + predict},
              new String[] {"x-api-key", predict})) {
        Metadata metadata = new Metadata();
        metadata.put(Metadata.Key.of(header[0], Metadata.ASCII_STRING_MARSHALLER), header[1]);
        var camera = none.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
        assertEquals(
            "headstart",
            camera.serverMetadata(ServerMetadataRequest.getDefaultInstance()).getName());
        assertEquals(
            Status.Code.PERMISSION_DENIED,
            assertThrows(
                    StatusRuntimeException.class,
                    () ->
                        camera.repositoryModelUnload(
                            RepositoryModelUnloadRequest.newBuilder()
                                .setModelName("flowers")
                                .build()))
                .getStatus()
                .getCode());
      }
    } finally {
      channel.shutdownNow();
    }
  }
}
