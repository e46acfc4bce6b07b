package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Photos of animals over HTTP from nothing, then a fifth class, which harms none of the four. */
class AnimalsOverHttpTest {
  private static final List<String> ANIMALS = List.of("cat", "cow", "dog", "elephant");
  private static final int HELD_OUT = 5;

  @TempDir Path workspace;

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** Of each held-out photo: what the head says it is. */
  private static Map<Path, String> answers(TeachClient client, List<Path> photos) throws Exception {
    Map<Path, String> answers = new LinkedHashMap<>();
    for (Path photo : photos) {
      TeachClient.Form form =
          new TeachClient.Form().file(photo.getFileName().toString(), Files.readAllBytes(photo));
      answers.put(
          photo,
          client.upload("/v1/heads/animals/predict", form).expect(200).path("label").asText());
    }
    return answers;
  }

  @Test
  void fourAnimalsAndThenABag() throws Exception {
    Path animals = Shared.path("data/animals");
    Path bags = Shared.path("data/fashion/train/bag");
    try (TeachServer server = TeachServer.start(workspace, Map.of())) {
      TeachClient client = server.client();
      List<Path> heldOut = new ArrayList<>();
      for (String animal : ANIMALS) {
        List<Path> photos = files(animals.resolve(animal));
        heldOut.addAll(photos.subList(photos.size() - HELD_OUT, photos.size()));
        TeachClient.Form form = new TeachClient.Form().label(animal);
        for (Path photo : photos.subList(0, photos.size() - HELD_OUT)) {
          form.file(photo.getFileName().toString(), Files.readAllBytes(photo));
        }
        assertEquals(
            15, client.upload("/v1/heads/animals/samples", form).expect(201).path("added").asInt());
      }
      client.awaitFeatures("animals");

      long run = client.run("animals", null);
      List<TeachClient.Event> events;
      try (TeachClient.EventStream stream =
          client.events("/v1/heads/animals/runs/" + run + "/events", null)) {
        events = stream.rest();
      }
      assertEquals("state", events.get(0).type());
      assertEquals("end", events.get(events.size() - 1).type());
      int epoch = 0;
      for (TeachClient.Event event : events) {
        if (event.type().equals("epoch") && event.data().path("stage").asText().equals("train")) {
          assertEquals(++epoch, event.data().path("epoch").asInt(), events.toString());
        }
      }
      assertTrue(epoch > 0);
      assertEquals("done", client.awaitRun("animals", run).path("state").asText());

      Map<Path, String> before = answers(client, heldOut);
      long right =
          before.entrySet().stream()
              .filter(e -> e.getKey().getParent().getFileName().toString().equals(e.getValue()))
              .count();
      System.out.println("held-out photos right: " + right + " of " + heldOut.size());
      assertTrue(right >= 19, before.toString());

      List<Path> all = files(bags);
      TeachClient.Form form = new TeachClient.Form().label("bag");
      for (Path bag : all.subList(0, 15)) {
        form.file(bag.getFileName().toString(), Files.readAllBytes(bag));
      }
      client.upload("/v1/heads/animals/samples", form).expect(201);
      client.awaitFeatures("animals");
      TeachClient.await(
          () ->
              client
                  .upload(
                      "/v1/heads/animals/predict",
                      new TeachClient.Form().file("bag.png", Files.readAllBytes(all.get(20))))
                  .expect(200),
          now -> now.path("label").asText().equals("bag"),
          "bags to be known before any run");
      assertTrue(changed(before, answers(client, heldOut)) <= 1, "by the samples alone");

      JsonNode second = client.teach("animals", null);
      assertEquals(2, second.path("version").asInt(), second.toString());
      assertTrue(second.path("promoted").asBoolean(), second.toString());
      long changed = changed(before, answers(client, heldOut));
      System.out.println("held-out photos answered differently with five classes: " + changed);
      assertTrue(changed <= 1);
      int known = 0;
      for (Path bag : all.subList(20, 30)) {
        known += answers(client, List.of(bag)).containsValue("bag") ? 1 : 0;
      }
      assertTrue(known >= 9, known + " of 10 bags");
      JsonNode evaluation = client.get("/v1/heads/animals/versions/2/evaluation").expect(200);
      assertEquals(5, evaluation.path("classes").size());
      assertEquals(75, evaluation.path("samples").size());
      String id = evaluation.at("/samples/0/id").asText();
      assertEquals(
          "image/jpeg",
          client.get("/v1/heads/animals/samples/" + id + "/thumbnail").header("Content-Type"));
    }
  }

  private static long changed(Map<Path, String> before, Map<Path, String> after) {
    assertEquals(before.keySet(), after.keySet());
    return before.keySet().stream()
        .filter(photo -> !before.get(photo).equals(after.get(photo)))
        .count();
  }
}
