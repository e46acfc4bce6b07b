package dev.headstart.server;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;
import org.junit.jupiter.api.Test;

/** Packages of the server depend downwards; see ARCHITECTURE.md. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.headstart");

  @Test
  void theRuntimeKnowsNothingOfTheServer() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.headstart.server..", "dev.headstart.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.headstart.server..", "dev.headstart.cli..", "io.micronaut..")
        .check(CLASSES);
  }

  /** Commands start in no time because nothing of the server is behind them but this one. */
  @Test
  void onlyServeStartsTheServer() {
    noClasses()
        .that()
        .resideInAPackage("dev.headstart.cli..")
        .and()
        .doNotHaveSimpleName("ServeCommand")
        .should()
        .dependOnClassesThat(
            resideInAPackage("dev.headstart.server..")
                .and(not(nameMatching(".*\\.security\\.(ApiKey|ApiKeys|Role)"))))
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage("dev.headstart.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.micronaut..")
        .check(CLASSES);
  }

  @Test
  void featuresHaveNoCycles() {
    slices().matching("dev.headstart.server.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  /** Server, Models and Settings put the features together; what else is beside them is below. */
  @Test
  void featuresDoNotKnowWhatPutsThemTogether() {
    classes()
        .that()
        .haveNameMatching("dev\\.headstart\\.server\\.(Server|Models|Settings)")
        .should()
        .onlyBeAccessed()
        .byAnyPackage("dev.headstart.server", "dev.headstart.cli..")
        .check(CLASSES);
  }

  /** Each line says who may use the package. */
  @Test
  void featuresDependDownwards() {
    Architectures.layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("docs")
        .definedBy("dev.headstart.server.docs..")
        .layer("studio")
        .definedBy("dev.headstart.server.studio..")
        .layer("predict")
        .definedBy("dev.headstart.server.predict..")
        .layer("teach")
        .definedBy("dev.headstart.server.teach..")
        .layer("http")
        .definedBy("dev.headstart.server.http..")
        .layer("grpc")
        .definedBy("dev.headstart.server.grpc..")
        .layer("operation")
        .definedBy("dev.headstart.server.operation..")
        .layer("tls")
        .definedBy("dev.headstart.server.tls..")
        .layer("protocol")
        .definedBy("dev.headstart.server.protocol..")
        .layer("security")
        .definedBy("dev.headstart.server.security..")
        .whereLayer("docs")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("studio")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("teach")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("predict")
        .mayOnlyBeAccessedByLayers("teach")
        .whereLayer("http")
        .mayOnlyBeAccessedByLayers("docs", "predict", "teach")
        .whereLayer("grpc")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("operation")
        .mayOnlyBeAccessedByLayers("grpc", "teach")
        .whereLayer("tls")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("protocol")
        .mayOnlyBeAccessedByLayers("http", "grpc", "predict", "teach")
        .whereLayer("security")
        .mayOnlyBeAccessedByLayers(
            "docs", "studio", "http", "grpc", "predict", "teach", "operation", "tls")
        .check(CLASSES);
  }
}
