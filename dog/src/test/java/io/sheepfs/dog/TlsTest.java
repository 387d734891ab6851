package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.protocol.tls.TlsFolder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Certificates as 'dog tls' makes them, between a client and a sheep over real sockets. */
final class TlsTest {

  private static final String LOOPBACK = "127.0.0.1";

  @TempDir static Path work;
  private static Path authority = Path.of("");
  private static Path client = Path.of("");

  @BeforeAll
  static void makeCertificates() throws IOException, DogException {
    authority = work.resolve("authority");
    TlsAuthority own = new TlsAuthority(authority);
    own.init(2);
    own.issue("sheep1", List.of(LOOPBACK, "localhost", "::1"), 2);
    client = own.issue("alice", List.of(), 2);
  }

  private static DogOnSheep sheep(String store) throws IOException {
    return new DogOnSheep(work.resolve(store), true, new TlsFolder(authority.resolve("sheep1")));
  }

  private static SheepException refused(DogOnSheep dog, Path folder) throws IOException {
    ClientOptions options = ClientOptions.DEFAULTS.withTls(new TlsFolder(folder));
    return assertThrows(
        SheepException.class, () -> RemoteCluster.connect(List.of(dog.address()), options).close());
  }

  private static String causes(Throwable failure) {
    StringBuilder text = new StringBuilder();
    for (Throwable t = failure; t != null; t = t.getCause()) {
      text.append(t.getMessage()).append('\n');
    }
    return text.toString();
  }

  @Test
  void commands_workOverTls() throws IOException {
    try (DogOnSheep dog = sheep("works")) {
      assertEquals(0, dog.run("vdi", "create", "--tls", client.toString(), "disk", "8M"));
      assertEquals(0, dog.run("vdi", "list", "-r", "--tls", client.toString()));
      assertTrue(dog.out().contains("= disk 0 8388608"), dog.out());
    }
  }

  @Test
  void objects_goThroughWhole() throws IOException {
    try (DogOnSheep dog = sheep("objects");
        RemoteCluster cluster =
            RemoteCluster.connect(
                List.of(dog.address()), ClientOptions.DEFAULTS.withTls(new TlsFolder(client)))) {
      assertEquals(0, dog.run("vdi", "create", "--tls", client.toString(), "disk", "8M"));
      byte[] data = new byte[4 << 20];
      new Random(7).nextBytes(data);
      Path file = Files.write(work.resolve("data"), data);
      assertEquals(0, dog.run("vdi", "import", "--tls", client.toString(), file + "", "copy"));
      Path back = work.resolve("back");
      assertEquals(0, dog.run("vdi", "export", "--tls", client.toString(), "copy", back + ""));
      assertEquals(ByteBuffer.wrap(data), ByteBuffer.wrap(Files.readAllBytes(back)));
      assertEquals(2, cluster.vdis().list().size());
    }
  }

  @Test
  void keys_haveTheirPublicKeyInThem_asOthersWant() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    for (int i = 0; i < 600; i++) { // now and then a number begins with zeros
      KeyPair pair = generator.generateKeyPair();
      ECPrivateKey key = (ECPrivateKey) pair.getPrivate();
      ECPublicKey publicKey = (ECPublicKey) pair.getPublic();
      byte[] bytes = EcPrivateKeyBytes.of(key, publicKey);
      assertEquals(138, bytes.length);
      ECPrivateKey read =
          (ECPrivateKey)
              KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(bytes));
      assertEquals(key.getS(), read.getS());
      assertEquals(key.getParams().getOrder(), read.getParams().getOrder());
      byte[] point = publicKey.getEncoded(); // its last bytes are the coordinates
      assertArrayEquals(
          Arrays.copyOfRange(point, point.length - 65, point.length),
          Arrays.copyOfRange(bytes, bytes.length - 65, bytes.length));
    }
  }

  @Test
  void plainClient_isTurnedAway() throws IOException {
    try (DogOnSheep dog = sheep("plain")) {
      InetSocketAddress address = dog.address();
      try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
        socket.setSoTimeout(60_000);
        socket.getOutputStream().write(new byte[48]);
        byte[] answer = socket.getInputStream().readAllBytes();
        assertTrue(answer.length < 48, "an alert at most, not an answer: " + answer.length);
      }
    }
  }

  @Test
  void tlsClient_atSheepWithout_isToldSo() throws IOException {
    try (DogOnSheep dog = new DogOnSheep(work.resolve("without"), true)) {
      String why = causes(refused(dog, client));
      assertTrue(why.contains("no sheep answers"), why);
    }
  }

  @Test
  void foreignAuthority_isRefusedByBothSides() throws IOException, DogException {
    TlsAuthority other = new TlsAuthority(work.resolve("other"));
    other.init(2);
    Path mallory = other.issue("mallory", List.of(), 2);
    try (DogOnSheep dog = sheep("foreign")) {
      String why = causes(refused(dog, mallory));
      assertTrue(why.contains("TLS"), why);
      // and where the client trusts the sheep, but the sheep not the client
      Files.copy(
          authority.resolve(TlsFolder.AUTHORITY),
          mallory.resolve(TlsFolder.AUTHORITY),
          StandardCopyOption.REPLACE_EXISTING);
      String later = causes(refused(dog, mallory));
      assertTrue(later.contains("TLS"), later);
    }
  }

  @Test
  void certificateForAnotherAddress_isRefused() throws IOException, DogException {
    Path elsewhere = new TlsAuthority(authority).issue("sheep2", List.of("192.0.2.1"), 2);
    try (DogOnSheep dog =
        new DogOnSheep(work.resolve("elsewhere"), true, new TlsFolder(elsewhere))) {
      String why = causes(refused(dog, client));
      assertTrue(why.contains("TLS: "), why);
      assertTrue(why.contains("No name matching localhost"), why);
    }
  }

  @Test
  void clientWithoutAddresses_cannotServe() {
    IOException failure =
        assertThrows(IOException.class, () -> new TlsFolder(client).server("TLSv1.3"));
    assertTrue(causes(failure).contains("server-cert.pem is missing"), causes(failure));
  }

  @Test
  void keys_areTheirOwnersOnly_andOnlyPemFilesAreLeft() throws IOException {
    try (Stream<Path> files = Files.walk(authority)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertTrue(file.toString().endsWith(".pem"), file.toString());
        if (file.toString().endsWith("-key.pem")) {
          assertEquals(
              "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
      }
    }
  }

  @Test
  void mistakes_changeNothing() throws IOException {
    try (DogOnSheep dog = sheep("mistakes")) {
      String where = authority.toString();
      assertEquals(1, dog.run("tls", "init", where));
      assertTrue(dog.err().contains("has an authority already"), dog.err());
      assertEquals(1, dog.run("tls", "issue", where, "alice"));
      assertTrue(dog.err().contains("is there already"), dog.err());
      assertEquals(64, dog.run("tls", "issue", where, "../evil"));
      assertEquals(64, dog.run("tls", "issue", where, "bob", "a,dns:b"));
      assertEquals(64, dog.run("tls", "issue", where, "bob", "--days", "0"));
      assertFalse(Files.exists(authority.resolve("bob")));
      assertEquals(1, dog.run("tls", "issue", work.resolve("none").toString(), "bob"));
    }
  }
}
