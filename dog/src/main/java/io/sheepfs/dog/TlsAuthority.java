package io.sheepfs.dog;

import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.protocol.tls.TlsFolder.Side;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An authority in a directory: its key and its certificate, and a folder of certificates for each
 * machine, as {@link TlsFolder} reads them. The keytool that comes with every Java does the
 * signing; keys are of the curve P-256, and their files are for their owner only.
 */
final class TlsAuthority {

  /** The file with the key of the authority. */
  static final String KEY = "ca-key.pem";

  private static final String ALIAS = "key";
  private static final String PASSWORD_VARIABLE = "SHEEPFS_KEYTOOL_PASSWORD";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
  private static final Pattern IPV4 = Pattern.compile("[0-9]+(\\.[0-9]+){3}");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?");
  private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
  private static final int BACKDATED_HOURS = 1;

  private final Path directory;

  TlsAuthority(Path directory) {
    this.directory = directory;
  }

  /**
   * Makes the authority.
   *
   * @throws DogException if there is one already
   */
  void init(int days) throws IOException, DogException {
    if (Files.exists(directory.resolve(KEY))) {
      throw DogException.failure(
          directory + " has an authority already; 'dog tls issue' makes certificates with it");
    }
    Files.createDirectories(directory);
    Path work = privateDirectory();
    try {
      String password = password();
      Path store = work.resolve("ca.p12");
      generate(
          store, password, "sheepfs authority", days, "bc:c=ca:true,pathlen:0", "ku:c=kCS,cRLs");
      KeyStore opened = open(store, password);
      write(directory.resolve(KEY), "PRIVATE KEY", key(opened, password));
      write(
          directory.resolve(TlsFolder.AUTHORITY),
          "CERTIFICATE",
          opened.getCertificate(ALIAS).getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IOException("the authority cannot be made: " + e.getMessage(), e);
    } finally {
      delete(work);
    }
  }

  /**
   * Makes a folder of certificates.
   *
   * @param addresses of a server; none for a machine that is only a client
   * @return the folder
   */
  Path issue(String name, List<String> addresses, int days) throws IOException, DogException {
    if (!NAME.matcher(name).matches()) {
      throw DogException.usage(
          "Invalid name '"
              + name
              + "': it can have letters, digits, dots, hyphens and underscores");
    }
    if (!Files.isReadable(directory.resolve(KEY))) {
      throw DogException.failure(
          directory
              + " has no authority that can be read; 'dog tls init "
              + directory
              + "' makes one");
    }
    List<String> alternatives = new ArrayList<>();
    for (String address : addresses) {
      alternatives.add(alternative(address));
    }
    Path folder = directory.resolve(name);
    if (Files.exists(folder)) {
      throw DogException.failure(
          folder + " is there already; remove it first to make new certificates");
    }
    Path work = privateDirectory();
    try {
      String password = password();
      Path authority = authorityStore(work, password);
      Path made = Files.createDirectory(work.resolve(name));
      Files.copy(directory.resolve(TlsFolder.AUTHORITY), made.resolve(TlsFolder.AUTHORITY));
      sign(authority, password, made, Side.CLIENT, name, days, List.of("eku=clientAuth"));
      if (!alternatives.isEmpty()) {
        String names = "san=" + String.join(",", alternatives);
        sign(authority, password, made, Side.SERVER, name, days, List.of("eku=serverAuth", names));
      }
      Files.move(made, folder); // all of it, or nothing
      return folder;
    } catch (GeneralSecurityException e) {
      throw new IOException("the certificates cannot be made: " + e.getMessage(), e);
    } finally {
      delete(work);
    }
  }

  private static String alternative(String address) throws DogException {
    if (IPV4.matcher(address).matches() || IPV6.matcher(address).matches()) {
      return "ip:" + address;
    }
    if (HOST.matcher(address).matches()) {
      return "dns:" + address;
    }
    throw DogException.usage("Invalid address '" + address + "': a host name or an IP address");
  }

  /** A place on the same file system that nobody else can look into. */
  private Path privateDirectory() throws IOException {
    return Files.createTempDirectory(
        directory,
        ".tls",
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  /** Keytool wants one, for files that are gone a moment later. */
  private static String password() {
    return new BigInteger(160, new SecureRandom()).toString(Character.MAX_RADIX);
  }

  private static void generate(
      Path store, String password, String name, int days, String... extensions) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-sigalg",
                "SHA256withECDSA",
                "-dname",
                "CN=" + name,
                "-startdate",
                "-" + BACKDATED_HOURS + "H",
                "-validity",
                Integer.toString(days)));
    for (String extension : extensions) {
      command.add("-ext");
      command.add(extension);
    }
    keytool(store, password, command);
  }

  private static void sign(
      Path authority,
      String password,
      Path folder,
      Side side,
      String name,
      int days,
      List<String> extensions)
      throws IOException, GeneralSecurityException {
    Path work = folder.resolveSibling(side + ".p12");
    Path request = folder.resolveSibling(side + ".csr");
    Path answer = folder.resolve(side.certificate());
    generate(work, password, name, days);
    keytool(work, password, List.of("-certreq", "-file", request.toString()));
    List<String> command =
        new ArrayList<>(
            List.of(
                "-gencert",
                "-rfc",
                "-infile",
                request.toString(),
                "-outfile",
                answer.toString(),
                "-startdate",
                "-" + BACKDATED_HOURS + "H",
                "-validity",
                Integer.toString(days),
                "-ext",
                "ku:c=digitalSignature"));
    for (String extension : extensions) {
      command.add("-ext");
      command.add(extension);
    }
    keytool(authority, password, command);
    write(folder.resolve(side.key()), "PRIVATE KEY", key(open(work, password), password));
  }

  private static void keytool(Path store, String password, List<String> command)
      throws IOException {
    List<String> all = new ArrayList<>();
    all.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    all.addAll(List.of("-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1"));
    all.addAll(command);
    all.addAll(
        List.of(
            "-alias",
            ALIAS,
            "-keystore",
            store.toString(),
            "-storetype",
            "PKCS12",
            "-storepass:env",
            PASSWORD_VARIABLE));
    ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
    builder.environment().put(PASSWORD_VARIABLE, password);
    builder.environment().remove("JAVA_TOOL_OPTIONS");
    Process process = builder.start();
    process.getOutputStream().close();
    try (InputStream output = process.getInputStream()) {
      String said = new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
      if (process.waitFor() != 0) {
        throw new IOException("keytool failed: " + said);
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private Path authorityStore(Path work, String password)
      throws IOException, GeneralSecurityException {
    PrivateKey key =
        KeyFactory.getInstance("EC")
            .generatePrivate(new PKCS8EncodedKeySpec(read(directory.resolve(KEY))));
    Certificate certificate =
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(
                    Files.readAllBytes(directory.resolve(TlsFolder.AUTHORITY))));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(ALIAS, key, password.toCharArray(), new Certificate[] {certificate});
    Path file = work.resolve("ca.p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, password.toCharArray());
    }
    return file;
  }

  private static KeyStore open(Path file, String password)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, password.toCharArray());
    }
    return store;
  }

  private static byte[] key(KeyStore store, String password) throws GeneralSecurityException {
    if (store.getKey(ALIAS, password.toCharArray()) instanceof ECPrivateKey key
        && store.getCertificate(ALIAS).getPublicKey() instanceof ECPublicKey publicKey) {
      return EcPrivateKeyBytes.of(key, publicKey);
    }
    throw new GeneralSecurityException("keytool made no key");
  }

  private static void write(Path file, String kind, byte[] der) throws IOException {
    String text =
        "-----BEGIN "
            + kind
            + "-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END "
            + kind
            + "-----\n";
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, text);
  }

  private static byte[] read(Path pem) throws IOException {
    String text = Files.readString(pem);
    try {
      return Base64.getMimeDecoder()
          .decode(text.replaceAll("-----[A-Z ]+-----", "").getBytes(StandardCharsets.US_ASCII));
    } catch (IllegalArgumentException e) {
      throw new IOException(pem + " is no PEM file", e);
    }
  }

  private static void delete(Path tree) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException failure)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
