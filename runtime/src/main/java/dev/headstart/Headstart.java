package dev.headstart;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.advise.Advice;
import dev.headstart.advise.AdviceRequest;
import dev.headstart.advise.Advised;
import dev.headstart.advise.Advisor;
import dev.headstart.advise.CheckingListener;
import dev.headstart.advise.Checkup;
import dev.headstart.advise.Study;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Manifest;
import dev.headstart.disk.DiskFailures;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.ort.Provider;
import dev.headstart.predict.Evaluation;
import dev.headstart.predict.FusedModel;
import dev.headstart.predict.Predictor;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Renaming;
import dev.headstart.teach.Rules;
import dev.headstart.teach.RunLog;
import dev.headstart.teach.SampleStore;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.Teaching;
import dev.headstart.teach.TeachingSettings;
import dev.headstart.teach.TeachingStores;
import dev.headstart.train.HeadImport;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.Teacher;
import dev.headstart.train.TrainingListener;
import dev.headstart.train.TrainingStores;
import dev.headstart.workspace.HeadBundle;
import dev.headstart.workspace.Workspace;
import dev.headstart.workspace.WorkspaceBackup;
import dev.headstart.workspace.WorkspaceCheck;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The whole of Headstart on one workspace, for the command line, the server and those who embed the
 * library. Close it to close the workspace; predictors are closed by who opened them.
 */
public final class Headstart implements AutoCloseable {
  private static final String VERSION = readVersion();

  private final Workspace workspace;
  private final List<Provider> providers;
  private final BaseModels models;

  private Headstart(Workspace workspace, List<Provider> providers) {
    this.workspace = workspace;
    this.providers = List.copyOf(providers);
    this.models = new BaseModels(workspace.models());
  }

  /** Opens a workspace, which is made if it does not exist, on the CPU. */
  public static Headstart open(Path workspace) {
    return open(workspace, List.of(Provider.CPU));
  }

  /**
   * Opens a workspace.
   *
   * @param providers of backbones, in order of preference
   */
  public static Headstart open(Path workspace, List<Provider> providers) {
    return new Headstart(Workspace.open(workspace), providers);
  }

  /** Version of this library. */
  public static String version() {
    return VERSION;
  }

  private static String readVersion() {
    try (InputStream in = Headstart.class.getResourceAsStream("version.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new FailureException("version.properties cannot be read", e);
    }
  }

  /** The base models: bundled, and added to this workspace. */
  public BaseModels models() {
    return models;
  }

  /** The heads and their versions. */
  public HeadStore heads() {
    return workspace.heads();
  }

  /** Advises on labelled samples; see {@link Advisor#advise}. */
  public Advice advise(AdviceRequest request, TrainingListener listener) {
    return advisor().advise(request, listener);
  }

  /** Advises on labelled samples, and shows the features; see {@link Advisor#study}. */
  public Study study(AdviceRequest request, TrainingListener listener) {
    return advisor().study(request, listener);
  }

  /** Advises on labelled samples, and says what is sick in them; see {@link Checkup}. */
  public Advised advised(AdviceRequest request, TrainingListener listener) {
    Study study = study(request, listener);
    return new Advised(study.advice(), Checkup.of(study, null));
  }

  /** Statistics of a base's own domain; see {@link Advisor#domain}. */
  public Manifest.Domain domain(AdviceRequest request, String about, TrainingListener listener) {
    return advisor().domain(request, about, listener);
  }

  private Advisor advisor() {
    return new Advisor(
        models,
        workspace.heads(),
        workspace.features(),
        providers,
        Runtime.getRuntime().availableProcessors());
  }

  /**
   * Teaches a head; what the request leaves open of base, cut and what trains follows the advice.
   * See {@link Advisor#resolve} and {@link Teacher#teach}.
   */
  public TeachResult teach(TeachRequest asked, TrainingListener listener) {
    workspace.requireWritable();
    Advisor.Resolved resolved = advisor().resolve(asked, listener);
    if (resolved.words() != null) {
      listener.note(resolved.words());
    }
    TeachRequest request = resolved.request();
    Teacher teacher =
        new Teacher(
            new TrainingStores(models, workspace.heads(), workspace.runs(), workspace.features()),
            providers,
            VERSION,
            Renaming.names(workspace.samples()),
            Runtime.getRuntime().availableProcessors());
    try {
      TeachResult result = teacher.teach(request, new CheckingListener(listener));
      if (resolved.advice() != null) {
        result = result.after(resolved.advice().spent(), resolved.advice().computed());
      }
      remember(result, listener);
      return result;
    } catch (FailureException e) {
      // Staged files are written by packages that know of no workspace.
      throw e.getCause() instanceof IOException cause
          ? new DiskFailures(workspace.root()).write(cause)
          : e;
    }
  }

  /** For runs of a server later on, which learn from these as well. */
  private void remember(TeachResult result, TrainingListener listener) {
    TeachResult.Learned learned = result.learned();
    if (learned.digests().isEmpty()) {
      return;
    }
    HeadManifest manifest = result.manifest();
    ObjectNode recipe = JsonNodeFactory.instance.objectNode();
    if (result.recipe().unfreeze() != null) {
      recipe.put("unfreeze", result.recipe().unfreeze());
    }
    Instant now = Instant.now();
    HeadSettings settings =
        new HeadSettings(
            result.head(),
            manifest.modality(),
            manifest.task(),
            result.base(),
            result.cut(),
            HeadSettings.Keep.SAMPLES,
            recipe,
            Rules.NONE,
            now);
    List<StoredSample> samples = new ArrayList<>();
    for (int i = 0; i < learned.digests().size(); i++) {
      samples.add(
          new StoredSample(
              learned.digests().get(i),
              0,
              learned.labels().get(i),
              learned.names().get(i),
              StoredSample.State.READY,
              null,
              "application/octet-stream",
              0,
              false,
              learned.space(),
              StoredSample.Source.TEACH,
              now));
    }
    try {
      workspace.samples().record(settings, samples);
    } catch (ConflictException e) {
      listener.warning(e.getMessage());
    }
  }

  /**
   * Opens a version for predictions, which leave no trace in the workspace.
   *
   * @param version null for the live one
   */
  public Predictor predictor(String head, Integer version) {
    return Predictor.open(stored(head, version), models, providers, FeatureStore.NONE);
  }

  /**
   * Judges a version on labelled data.
   *
   * @param version null for the live one
   */
  public Evaluation evaluate(String head, Integer version, Path data, TrainingListener listener) {
    try (Predictor predictor =
        Predictor.open(stored(head, version), models, providers, workspace.features())) {
      return Evaluation.of(predictor, data, listener);
    }
  }

  /**
   * A version and its base as one model; see {@link FusedModel#of}.
   *
   * @param version null for the live one
   */
  public OnnxModel fused(String head, Integer version) {
    return FusedModel.of(stored(head, version), models);
  }

  private HeadStore.Stored stored(String head, Integer version) {
    return version == null ? heads().loadLive(head) : heads().load(head, version);
  }

  /**
   * Opens the models of this workspace for many callers at once. The caller closes the repository
   * before this.
   */
  public ModelRepository repository(ServingSettings settings, ServingListener listener) {
    return ModelRepository.open(models, heads(), settings, listener);
  }

  /**
   * Teaches heads while a repository of this workspace serves them. The caller closes it before the
   * repository.
   */
  public Teaching teaching(ModelRepository repository, TeachingSettings settings) {
    return Teaching.open(
        new TeachingStores(
            workspace.samples(),
            workspace.runLog(),
            workspace.runs(),
            workspace.heads(),
            models,
            workspace.features()),
        repository,
        settings,
        VERSION);
  }

  /** Writes a head with all its versions into one file; see {@link HeadBundle#write}. */
  public List<Integer> exportBundle(String head, Path file) {
    return HeadBundle.write(workspace, head, file);
  }

  /** Reads such a file into this workspace; see {@link HeadBundle#read}. */
  public Map<Integer, Integer> importBundle(String head, Path file) {
    workspace.requireWritable();
    return HeadBundle.read(workspace, head, file);
  }

  /**
   * Makes a head's first version of training artifacts that were made elsewhere; see {@link
   * HeadImport}.
   *
   * @return the version's number
   */
  public int importArtifacts(HeadImport request) {
    workspace.requireWritable();
    return request.run(models, workspace.heads(), providers, VERSION);
  }

  /** Heads that are taught while serving, and their samples. */
  public SampleStore samples() {
    return workspace.samples();
  }

  /** Trainings that were asked for. */
  public RunLog runLog() {
    return workspace.runLog();
  }

  /** Writes this workspace into one file, while others use it; see {@link WorkspaceBackup}. */
  public WorkspaceBackup.Summary backup(Path file, TrainingListener listener) {
    return WorkspaceBackup.write(workspace, VERSION, file, listener);
  }

  /** Looks whether this workspace is whole, while others use it; see {@link WorkspaceCheck}. */
  public WorkspaceCheck.Report check(TrainingListener listener) {
    return WorkspaceCheck.of(workspace, listener);
  }

  /** Closes the workspace; idempotent. */
  @Override
  public void close() {
    workspace.close();
  }
}
