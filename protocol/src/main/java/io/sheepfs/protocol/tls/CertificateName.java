package io.sheepfs.protocol.tls;

import java.util.List;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.security.auth.x500.X500Principal;

/** The name that a certificate was issued to: its common name, as {@code dog tls issue} writes. */
public final class CertificateName {

  private CertificateName() {}

  /** The name in the certificate of whoever is at the other end; "" if it showed none. */
  public static String of(SSLSession session) {
    try {
      return session.getPeerPrincipal() instanceof X500Principal subject ? of(subject) : "";
    } catch (SSLPeerUnverifiedException e) {
      return "";
    }
  }

  /** The most specific common name of a subject; "" if it has none. */
  static String of(X500Principal subject) {
    List<Rdn> parts;
    try {
      parts = new LdapName(subject.getName(X500Principal.RFC2253)).getRdns();
    } catch (InvalidNameException e) {
      return "";
    }
    for (int i = parts.size() - 1; i >= 0; i--) {
      Rdn part = parts.get(i);
      if (part.getType().equalsIgnoreCase("CN") && part.getValue() instanceof String name) {
        return name;
      }
    }
    return "";
  }
}
