package io.sheepfs.dog;

import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import picocli.CommandLine.Command;

/** {@code dog vdi graph}: what came from what, for the programs of Graphviz. */
@Command(name = "graph", description = "Shows which VDI came from which, in Graphviz's language.")
final class VdiGraph extends DogCommand {

  VdiGraph(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    PrintStream out = session.out();
    var vdis = session.cluster().vdis().list();
    out.println("digraph G {");
    out.println("  node [shape = \"box\", fontname = \"Courier\"];");
    out.println();
    out.println("  \"0\" [shape = \"ellipse\", label = \"root\"];");
    out.println();
    for (VdiInfo vdi : vdis) {
      LocalTime created = new LocalTime(vdi.created(), session.environment().zone());
      out.println(
          "  \"" + (vdi.parent() == null ? "0" : vdi.parent()) + "\" -> \"" + vdi.vid() + "\";");
      out.println("  \"" + vdi.vid() + "\" [");
      out.println("    group = \"" + quote(vdi.name().value()) + "\",");
      out.format(
          Locale.ROOT,
          "    label = \"Name: %10s\\nTag:  %10x\\nSize: %10s\\nDate: %s\\nTime:   %s\"",
          quote(vdi.name().value()),
          vdi.isSnapshot() ? vdi.snapshotId() : 0,
          ByteSize.human(vdi.sizeBytes()),
          created.date(),
          created.clock());
      out.println(vdi.isSnapshot() ? "" : ",\n    color=\"red\"");
      out.println("  ];");
      out.println();
    }
    out.println("}");
    return ExitCode.SUCCESS;
  }

  private static String quote(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"");
  }
}
