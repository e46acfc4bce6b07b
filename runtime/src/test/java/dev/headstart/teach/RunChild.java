package dev.headstart.teach;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Headstart;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Another process that teaches, until it is killed. */
final class RunChild {
  static final String HEAD = "parts";

  private static final String RECIPE =
      "{\"epochs\": 800, \"patience\": 0, \"kind\": \"mlp:8\", \"warmStart\": false}";

  private RunChild() {}

  /** {@code WORKSPACE SEED}: teaches a head from nothing. */
  public static void main(String[] args) throws Exception {
    try (Headstart headstart = Headstart.open(Path.of(args[0]));
        ModelRepository repository = repository(headstart);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      begin(teaching, Long.parseLong(args[1]));
      System.out.println("begun");
      Thread.sleep(60_000);
    }
  }

  static ModelRepository repository(Headstart headstart) {
    return headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
  }

  /** Adds samples and asks for a run. */
  static Run begin(Teaching teaching, long seed) throws Exception {
    Random random = new Random(seed);
    List<NewSample> samples = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      float[] values = NewSamples.around(random, 6, i % 2, 1, 1);
      samples.add(NewSamples.vector(values, i % 2 == 0 ? "even" : "odd"));
    }
    teaching.add(HEAD, HeadDraft.of(HEAD), samples);
    return teaching.runs().submit(HEAD, new ObjectMapper().readTree(RECIPE), Run.Cause.REQUEST);
  }
}
