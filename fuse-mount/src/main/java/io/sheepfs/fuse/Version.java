package io.sheepfs.fuse;

import picocli.CommandLine.IVersionProvider;

/** The version, from the manifest of our jar. */
final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    String version = Sheepfs.class.getPackage().getImplementationVersion();
    return new String[] {
      "sheepfs " + (version == null ? "(built from source)" : version), "Java " + Runtime.version()
    };
  }
}
