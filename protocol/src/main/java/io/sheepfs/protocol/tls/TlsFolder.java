package io.sheepfs.protocol.tls;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * A directory with certificates, in PEM files named as qemu and libnbd name them: {@code
 * ca-cert.pem}; {@code server-cert.pem} and {@code server-key.pem}; {@code client-cert.pem} and
 * {@code client-key.pem}. Keys are PKCS #8, not encrypted. Both sides show a certificate, and trust
 * those that this authority has signed and no others; a client also wants the address that it
 * connects to in the server's.
 *
 * <p>The files are read when a context is made. Immutable.
 */
public record TlsFolder(Path directory) {

  private static final String VARIABLE = "SHEEPFS_TLS";

  /** The certificate of the authority. */
  public static final String AUTHORITY = "ca-cert.pem";

  private static final String CERTIFICATE = "-cert.pem";
  private static final String KEY = "-key.pem";

  /** Which of the two sides of a connection a certificate is for. */
  public enum Side {
    SERVER("server"),
    CLIENT("client");

    private final String prefix;

    Side(String prefix) {
      this.prefix = prefix;
    }

    /** The name of the file with its certificate. */
    public String certificate() {
      return prefix + CERTIFICATE;
    }

    /** The name of the file with the key of its certificate. */
    public String key() {
      return prefix + KEY;
    }
  }

  /**
   * The folder that an option names, else the one that the environment variable {@code SHEEPFS_TLS}
   * names.
   *
   * @return null if neither does: without TLS then
   */
  public static @Nullable TlsFolder chosen(@Nullable Path option) {
    String inherited = System.getenv(VARIABLE);
    if (option == null && (inherited == null || inherited.isEmpty())) {
      return null;
    }
    return new TlsFolder(option != null ? option : Path.of(inherited));
  }

  /**
   * What a server needs.
   *
   * @param versions of the protocol that it speaks, as Java names them
   * @throws IOException if a file is missing or cannot be used
   */
  public SslContext server(String... versions) throws IOException {
    return context(
        SslContextBuilder.forServer(file(Side.SERVER.certificate()), file(Side.SERVER.key()))
            .clientAuth(ClientAuth.REQUIRE)
            .protocols(versions));
  }

  /**
   * What a client needs, to speak TLS 1.3.
   *
   * @throws IOException if a file is missing or cannot be used
   */
  public SslContext client() throws IOException {
    return context(
        SslContextBuilder.forClient()
            .keyManager(file(Side.CLIENT.certificate()), file(Side.CLIENT.key()))
            .protocols("TLSv1.3"));
  }

  /**
   * The name in the certificate of the client.
   *
   * @throws IOException if the file is missing or cannot be used
   */
  public String clientName() throws IOException {
    try (InputStream in = new FileInputStream(file(Side.CLIENT.certificate()))) {
      return CertificateFactory.getInstance("X.509").generateCertificate(in)
              instanceof X509Certificate certificate
          ? CertificateName.of(certificate.getSubjectX500Principal())
          : "";
    } catch (CertificateException e) {
      throw unusable(e);
    }
  }

  private SslContext context(SslContextBuilder builder) throws IOException {
    File authority = file(AUTHORITY);
    try {
      return builder.sslProvider(SslProvider.JDK).trustManager(authority).build();
    } catch (IllegalArgumentException | SSLException e) {
      throw unusable(e);
    }
  }

  private IOException unusable(Exception cause) {
    return new IOException(
        "the certificates in " + directory + " cannot be used: " + cause.getMessage(), cause);
  }

  private File file(String name) throws IOException {
    Path file = directory.resolve(name);
    if (!Files.isReadable(file)) {
      throw new IOException(
          file + " is missing, or cannot be read; 'dog tls issue' makes such files");
    }
    return file.toFile();
  }
}
