package dev.headstart.server;

import java.nio.file.*;
import java.util.Map;

public class Play {
  public static void main(String[] a) throws Exception {
    Map<String, Object> p = new java.util.HashMap<>();
    for (int i = 1; i < a.length; i++) {
      String[] kv = a[i].split("=", 2);
      p.put(kv[0], kv[1]);
    }
    TestServer s = TestServer.start(Path.of(a[0]), p);
    System.out.println("PORT " + s.port());
    Thread.sleep(Long.MAX_VALUE);
  }
}
