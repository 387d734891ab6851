package io.sheepfs.dog;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.util.HexFormat;

/**
 * The PKCS #8 form of a private key on the curve secp256r1, with its public key in it. RFC 5915
 * lets that be left out, and Java does; but GnuTLS, and so qemu and libnbd, wants it.
 */
final class EcPrivateKeyBytes {

  private static final int COORDINATE_BYTES = 32;

  /**
   * Up to the private value: version, the OIDs of an EC key and of the curve, RFC 5915's version.
   */
  private static final byte[] HEAD =
      HexFormat.of()
          .parseHex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");

  /** Before the public point: [1], a bit string without unused bits, an uncompressed point. */
  private static final byte[] PUBLIC = HexFormat.of().parseHex("a14403420004");

  private EcPrivateKeyBytes() {}

  static byte[] of(ECPrivateKey key, ECPublicKey publicKey) {
    ByteBuffer der =
        ByteBuffer.allocate(HEAD.length + COORDINATE_BYTES + PUBLIC.length + 2 * COORDINATE_BYTES);
    der.put(HEAD).put(fixed(key.getS())).put(PUBLIC);
    der.put(fixed(publicKey.getW().getAffineX())).put(fixed(publicKey.getW().getAffineY()));
    return der.array();
  }

  /** Big endian, without a byte for the sign, and with zeros in front. */
  private static byte[] fixed(BigInteger value) {
    byte[] bytes = value.toByteArray();
    int skip = Math.max(0, bytes.length - COORDINATE_BYTES);
    int length = bytes.length - skip;
    byte[] fixed = new byte[COORDINATE_BYTES];
    System.arraycopy(bytes, skip, fixed, COORDINATE_BYTES - length, length);
    return fixed;
  }
}
