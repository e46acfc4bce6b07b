package dev.headstart.teach;

import dev.headstart.advise.AdviceRequest;
import dev.headstart.advise.Advised;
import dev.headstart.advise.Checkup;
import dev.headstart.advise.Study;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.StoredDataSet;
import dev.headstart.sample.Task;
import dev.headstart.train.RunStore;
import dev.headstart.train.Split;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Advice on the samples that heads have. One thread of the lowest priority works it out, a head at
 * a time, and it is kept until the head's samples change: who asks meanwhile shares it. Safe for
 * several threads.
 */
public final class Advising implements AutoCloseable {
  /** Heads whose advice is kept. */
  private static final int KEPT = 32;

  private final SampleStore store;
  private final RunStore memberships;
  private final Studies studies;
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "headstart-advice");
            thread.setDaemon(true);
            thread.setPriority(Thread.MIN_PRIORITY);
            return thread;
          });

  /** By head, the one that was asked for longest ago first. */
  private final Map<String, Kept> kept = new LinkedHashMap<>(16, 0.75f, true);

  /** Studies samples; see {@link dev.headstart.advise.Advisor#study}. */
  @FunctionalInterface
  interface Studies {
    /**
     * @param base the head's base model; null for none
     */
    Study of(String base, AdviceRequest request);
  }

  /**
   * @param samples digest of all that decides the advice
   */
  private record Kept(String samples, CompletableFuture<Advised> advised) {}

  /**
   * Where advice stands.
   *
   * @param pending samples whose features are not there yet: then there is no advice
   * @param advised ends with the advice, or with what is wrong with the samples, or is cancelled
   *     because they changed before its turn came; one for all who ask; null while some are pending
   */
  public record Asked(int pending, CompletableFuture<Advised> advised) {}

  Advising(SampleStore store, RunStore memberships, Studies studies) {
    this.store = store;
    this.memberships = memberships;
    this.studies = studies;
  }

  /**
   * Asks for advice on the samples of a head.
   *
   * @throws BadInputException if it has no samples
   */
  Asked of(HeadSettings head) {
    List<StoredSample> all = store.samples(head.head());
    List<StoredSample> ready = in(all, StoredSample.State.READY);
    int pending = in(all, StoredSample.State.PENDING).size();
    if (pending > 0) {
      return new Asked(pending, null);
    }
    if (ready.isEmpty()) {
      throw new BadInputException(
          "the head '"
              + head.head()
              + "' has no samples "
              + (all.isEmpty() ? "" : "that can be read ")
              + "to give advice on: add some first");
    }
    String samples = digest(head, all);
    synchronized (kept) {
      Kept known = kept.get(head.head());
      if (known == null || !known.samples.equals(samples)) {
        if (known != null) {
          known.advised.cancel(false); // not begun, nobody needs it any more
        }
        known = new Kept(samples, work(() -> advised(head, all, ready)));
        kept.put(head.head(), known);
        kept.keySet().stream()
            .limit(Math.max(0, kept.size() - KEPT))
            .toList()
            .forEach(oldest -> kept.remove(oldest));
      }
      return new Asked(0, known.advised);
    }
  }

  private CompletableFuture<Advised> work(Supplier<Advised> task) {
    CompletableFuture<Advised> advised = new CompletableFuture<>();
    worker.execute(
        () -> {
          if (advised.isDone()) {
            return;
          }
          try {
            advised.complete(task.get());
          } catch (BadInputException e) {
            advised.completeExceptionally(e); // and stays so until the samples change
          } catch (RuntimeException | Error e) {
            synchronized (kept) {
              kept.values().removeIf(one -> one.advised == advised);
            }
            advised.completeExceptionally(e);
          }
        });
    return advised;
  }

  private static List<StoredSample> in(List<StoredSample> samples, StoredSample.State state) {
    return samples.stream().filter(sample -> sample.state() == state).toList();
  }

  private static String digest(HeadSettings head, List<StoredSample> samples) {
    String all =
        samples.stream()
            .map(sample -> sample.id() + " " + sample.state().id() + " " + sample.label())
            .sorted()
            .collect(Collectors.joining("\n", head.base() + "\n" + head.task() + "\n", ""));
    return Sample.sha256(all.getBytes(StandardCharsets.UTF_8));
  }

  private Advised advised(HeadSettings head, List<StoredSample> all, List<StoredSample> ready) {
    List<LabeledSample> samples =
        ready.stream()
            .map(sample -> new LabeledSample(store.open(head.head(), sample), sample.label()))
            .toList();
    StoredDataSet data =
        new StoredDataSet(
            "the samples of the head '" + head.head() + "'", head.modality(), head.task(), samples);
    String cut = head.cut() == null ? "auto" : head.cut();
    Study study = studies.of(head.base(), new AdviceRequest(data, head.base(), cut, head.task()));
    List<Checkup.Unusable> unreadable =
        in(all, StoredSample.State.UNREADABLE).stream()
            .map(sample -> new Checkup.Unusable(sample.id(), sample.name(), sample.reason()))
            .toList();
    return new Advised(
        study.advice(),
        Checkup.of(study, judges(head, ready, study))
            .with(new Checkup.Findings<>(unreadable.size(), unreadable)));
  }

  /** Which rows of a study would judge the next version. */
  private boolean[] judges(HeadSettings head, List<StoredSample> ready, Study study) {
    Map<Label, Integer> strata = new HashMap<>();
    int[] stratum =
        ready.stream()
            .mapToInt(
                sample ->
                    head.task() == Task.REGRESSION
                        ? 0
                        : strata.computeIfAbsent(sample.label(), l -> strata.size()))
            .toArray();
    double share = RunRecipe.of(head, head.recipe()).options().resolve(head.task(), 1).validation();
    Split split =
        Split.of(
            head.head(),
            ready.stream().map(StoredSample::id).toList(),
            stratum,
            share,
            memberships.judgedBy(head.head()));
    Set<String> judging =
        IntStream.of(split.validation())
            .mapToObj(row -> ready.get(row).id())
            .collect(Collectors.toSet());
    boolean[] judges = new boolean[study.digests().size()];
    for (int row = 0; row < judges.length; row++) {
      judges[row] = judging.contains(study.digests().get(row));
    }
    return judges;
  }

  /** Who still waits for advice is told that there will be none. */
  @Override
  public void close() {
    worker.shutdownNow();
    synchronized (kept) {
      kept.values().forEach(one -> one.advised.cancel(false));
      kept.clear();
    }
  }
}
