package io.sheepfs.sbd.nbd;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A directory with the certificates of a server, in PEM files named as qemu and libnbd name them:
 * {@code ca-cert.pem}, {@code server-cert.pem} and {@code server-key.pem} (PKCS #8, not encrypted).
 * A client must show a certificate that the same authority has signed.
 */
public final class TlsFiles {

  private TlsFiles() {}

  /**
   * Reads the files.
   *
   * @throws IOException if one is missing or cannot be used
   */
  public static SslContext load(Path directory) throws IOException {
    File authority = file(directory, "ca-cert.pem");
    File certificate = file(directory, "server-cert.pem");
    File key = file(directory, "server-key.pem");
    try {
      return SslContextBuilder.forServer(certificate, key)
          .sslProvider(SslProvider.JDK)
          .trustManager(authority)
          .clientAuth(ClientAuth.REQUIRE)
          .protocols("TLSv1.3", "TLSv1.2")
          .build();
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "the certificates in " + directory + " cannot be used: " + e.getMessage(), e);
    }
  }

  private static File file(Path directory, String name) throws IOException {
    Path file = directory.resolve(name);
    if (!Files.isReadable(file)) {
      throw new IOException(file + " is missing, or cannot be read");
    }
    return file.toFile();
  }
}
