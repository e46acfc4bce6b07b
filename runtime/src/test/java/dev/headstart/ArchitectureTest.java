package dev.headstart;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;
import org.junit.jupiter.api.Test;

/** Packages depend downwards; see ARCHITECTURE.md. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.headstart");

  @Test
  void onlyOrtTouchesOnnxRuntime() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.headstart.ort..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.onnxruntime..")
        .check(CLASSES);
  }

  @Test
  void onlyWorkspaceTouchesSql() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.headstart.workspace..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.jdbi..", "org.sqlite..", "java.sql..")
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.headstart.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  /** Each line says who may use the package. */
  @Test
  void packagesDependDownwards() {
    Architectures.layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("façade")
        .definedBy("dev.headstart")
        .layer("workspace")
        .definedBy("dev.headstart.workspace..")
        .layer("teach")
        .definedBy("dev.headstart.teach..")
        .layer("serving")
        .definedBy("dev.headstart.serving..")
        .layer("predict")
        .definedBy("dev.headstart.predict..")
        .layer("advise")
        .definedBy("dev.headstart.advise..")
        .layer("train")
        .definedBy("dev.headstart.train..")
        .layer("confidence")
        .definedBy("dev.headstart.confidence..")
        .layer("head")
        .definedBy("dev.headstart.head..")
        .layer("backbone")
        .definedBy("dev.headstart.backbone..")
        .layer("preprocess")
        .definedBy("dev.headstart.preprocess..")
        .layer("sample")
        .definedBy("dev.headstart.sample..")
        .layer("artifact")
        .definedBy("dev.headstart.artifact..")
        .layer("gradient")
        .definedBy("dev.headstart.gradient..")
        .layer("ort")
        .definedBy("dev.headstart.ort..")
        .layer("onnx")
        .definedBy("dev.headstart.onnx..")
        .layer("disk")
        .definedBy("dev.headstart.disk..")
        .layer("error")
        .definedBy("dev.headstart.error..")
        .whereLayer("façade")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("workspace")
        .mayOnlyBeAccessedByLayers("façade")
        .whereLayer("teach")
        .mayOnlyBeAccessedByLayers("façade", "workspace")
        .whereLayer("serving")
        .mayOnlyBeAccessedByLayers("façade", "teach")
        .whereLayer("predict")
        .mayOnlyBeAccessedByLayers("façade", "teach", "serving")
        .whereLayer("advise")
        .mayOnlyBeAccessedByLayers("façade", "teach")
        .whereLayer("train")
        .mayOnlyBeAccessedByLayers("façade", "workspace", "teach", "predict", "advise")
        .whereLayer("confidence")
        .mayOnlyBeAccessedByLayers(
            "façade", "workspace", "teach", "serving", "predict", "train", "head")
        .whereLayer("head")
        .mayOnlyBeAccessedByLayers(
            "façade", "workspace", "teach", "serving", "predict", "advise", "train")
        .whereLayer("backbone")
        .mayOnlyBeAccessedByLayers(
            "façade", "workspace", "teach", "serving", "predict", "advise", "train", "head")
        .whereLayer("preprocess")
        .mayOnlyBeAccessedByLayers("teach", "advise", "train", "backbone")
        .whereLayer("sample")
        .mayOnlyBeAccessedByLayers(
            "façade",
            "workspace",
            "teach",
            "serving",
            "predict",
            "advise",
            "train",
            "head",
            "backbone",
            "preprocess")
        .whereLayer("artifact")
        .mayOnlyBeAccessedByLayers("façade", "teach", "train", "head")
        .whereLayer("gradient")
        .mayOnlyBeAccessedByLayers("artifact", "head")
        .whereLayer("ort")
        .mayOnlyBeAccessedByLayers(
            "façade", "teach", "serving", "predict", "advise", "train", "head", "backbone")
        .whereLayer("disk")
        .mayOnlyBeAccessedByLayers("façade", "workspace", "train", "backbone", "ort")
        .check(CLASSES);
  }
}
