package dev.headstart.serving;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** The versions of heads that were asked for last, open. Safe for several threads. */
final class VersionCache {
  private final int most;
  private final Opener opener;
  private final Executor executor;
  private final Map<Key, CompletableFuture<HeadService>> open =
      new LinkedHashMap<>(16, 0.75f, true);

  private record Key(String head, int version) {}

  /** Opens a version; it has one user. */
  interface Opener {
    HeadService open(String head, int version);
  }

  /**
   * @param most that stay open
   * @param executor runs the opener
   */
  VersionCache(int most, Opener opener, Executor executor) {
    this.most = most;
    this.opener = opener;
    this.executor = executor;
  }

  /** The version, retained for the caller. */
  CompletableFuture<HeadService> get(String head, int version) {
    Key key = new Key(head, version);
    CompletableFuture<HeadService> found;
    List<CompletableFuture<HeadService>> gone = new ArrayList<>();
    synchronized (open) {
      found = open.get(key);
      if (found == null) {
        found = CompletableFuture.supplyAsync(() -> opener.open(head, version), executor);
        open.put(key, found);
        while (open.size() > most) {
          var eldest = open.entrySet().iterator();
          gone.add(eldest.next().getValue());
          eldest.remove();
        }
      }
    }
    gone.forEach(VersionCache::release);
    CompletableFuture<HeadService> service = found;
    return service
        .whenComplete(
            (opened, failure) -> {
              if (failure != null) {
                remove(key, service);
              }
            })
        .thenCompose(
            opened ->
                opened.retain()
                    ? CompletableFuture.completedFuture(opened)
                    : get(head, version)); // it went meanwhile
  }

  boolean contains(String head, int version) {
    synchronized (open) {
      return open.containsKey(new Key(head, version)); // not a use, as get() is
    }
  }

  private void remove(Key key, CompletableFuture<HeadService> service) {
    synchronized (open) {
      open.remove(key, service);
    }
  }

  /** Lets all versions of a head go. */
  void forget(String head) {
    List<CompletableFuture<HeadService>> gone = new ArrayList<>();
    synchronized (open) {
      open.entrySet()
          .removeIf(
              entry -> {
                boolean its = entry.getKey().head().equals(head);
                if (its) {
                  gone.add(entry.getValue());
                }
                return its;
              });
    }
    gone.forEach(VersionCache::release);
  }

  private static void release(CompletableFuture<HeadService> service) {
    service.thenAccept(Shared::release);
  }
}
