package io.sheepfs.dist;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.time.Instant;
import java.util.List;

/**
 * Keeps the arrows between the modules as docs/ARCHITECTURE.md draws them. A new arrow is a change
 * of design: it comes with a record in docs/adr.
 */
@AnalyzeClasses(packages = "io.sheepfs", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {

  private static final String TELEMETRY = "io.sheepfs.telemetry..";
  private static final String PROTOCOL = "io.sheepfs.protocol..";
  private static final String CACHE = "io.sheepfs.cache..";
  private static final String VOLUME = "io.sheepfs.volume..";
  private static final String STORE = "io.sheepfs.store..";
  private static final String FUSE = "io.sheepfs.fuse..";
  private static final String DOG = "io.sheepfs.dog..";
  private static final String SBD = "io.sheepfs.sbd..";

  @ArchTest
  static final ArchRule modules_dependOnlyOnThoseBelow =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("telemetry")
          .definedBy(TELEMETRY)
          .layer("protocol")
          .definedBy(PROTOCOL)
          .optionalLayer("cache")
          .definedBy(CACHE)
          .layer("volume")
          .definedBy(VOLUME)
          .layer("store")
          .definedBy(STORE)
          .layer("fuse-mount")
          .definedBy(FUSE)
          .layer("dog")
          .definedBy(DOG)
          .layer("sbd")
          .definedBy(SBD)
          .whereLayer("telemetry")
          .mayNotAccessAnyLayer()
          .whereLayer("protocol")
          .mayOnlyAccessLayers("telemetry")
          .whereLayer("cache")
          .mayOnlyAccessLayers("telemetry", "protocol")
          .whereLayer("volume")
          .mayOnlyAccessLayers("protocol")
          .whereLayer("store")
          .mayOnlyAccessLayers("telemetry", "protocol", "cache")
          .whereLayer("fuse-mount")
          .mayOnlyAccessLayers("telemetry", "protocol", "volume", "cache", "store")
          .whereLayer("dog")
          .mayOnlyAccessLayers("protocol", "volume")
          .whereLayer("sbd")
          .mayOnlyAccessLayers("telemetry", "protocol", "volume", "cache", "store");

  @ArchTest
  static final ArchRule packages_haveNoCycles =
      slices().matching("io.sheepfs.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule nativeCalls_areMadeByTransportsOnly =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.sheepfs.fuse.transport..")
          .should()
          .dependOnClassesThat(resideInAnyPackage("jnr..", "com.kenai.jffi..", "ru.serce.."));

  @ArchTest
  static final ArchRule mountTree_knowsNoTransport =
      noClasses()
          .that()
          .resideInAPackage("io.sheepfs.fuse.tree..")
          .should()
          .dependOnClassesThat(resideInAnyPackage("io.sheepfs.fuse.transport.."));

  @ArchTest
  static final ArchRule mount_reachesTheStoreAtOnePlace =
      noClasses()
          .that()
          .resideInAnyPackage("io.sheepfs.fuse.tree..", "io.sheepfs.fuse.transport..")
          .should()
          .dependOnClassesThat(resideInAnyPackage(STORE, "io.sheepfs.protocol.client.."));

  @ArchTest
  static final ArchRule network_isSpokenInItsPlacesOnly =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.sheepfs.protocol.codec..",
              "io.sheepfs.protocol.client..",
              "io.sheepfs.protocol.tls..",
              "io.sheepfs.store.server..",
              "io.sheepfs.sbd.nbd..")
          .should()
          .dependOnClassesThat(resideInAnyPackage("io.netty.."));

  @ArchTest
  static final ArchRule commandLines_areInTheMainPackagesOnly =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.sheepfs.fuse", "io.sheepfs.store.server", DOG, "io.sheepfs.sbd")
          .should()
          .dependOnClassesThat(resideInAnyPackage("picocli.."));

  @ArchTest
  static final ArchRule processes_areEndedByMainProgramsOnly =
      noClasses()
          .that()
          .resideInAnyPackage(TELEMETRY, PROTOCOL, CACHE, VOLUME, "io.sheepfs.fuse.tree..")
          .should()
          .callMethod(System.class, "exit", int.class);

  /** The clock jumps. Who needs the time of day has it from an InstantSource; waits need none. */
  @ArchTest
  static final ArchRule clock_isAskedThroughItsSource =
      noClasses()
          .that()
          .resideInAnyPackage(PROTOCOL, CACHE, VOLUME, STORE)
          .should()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Instant.class, "now");

  /** A rule over no classes passes; so say that the classes of every module were seen. */
  @ArchTest
  static void import_seesAllModules(JavaClasses imported) {
    for (String module : List.of(TELEMETRY, PROTOCOL, CACHE, VOLUME, STORE, FUSE, DOG, SBD)) {
      assertTrue(imported.stream().anyMatch(resideInAnyPackage(module)), module);
    }
  }

  /** The rules can fail: they do, when the arrows are turned round. */
  @ArchTest
  static void rule_forArrowThatIsThere_fails(JavaClasses imported) {
    ArchRule turned = noClasses().that().resideInAPackage(VOLUME).should(dependOn(PROTOCOL));
    assertThrows(AssertionError.class, () -> turned.check(imported));
  }

  private static ArchCondition<JavaClass> dependOn(String packages) {
    return new ArchCondition<>("depend on " + packages) {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        boolean depends =
            item.getDirectDependenciesFromSelf().stream()
                .anyMatch(d -> resideInAnyPackage(packages).test(d.getTargetClass()));
        events.add(new SimpleConditionEvent(item, depends, item.getName()));
      }
    };
  }
}
