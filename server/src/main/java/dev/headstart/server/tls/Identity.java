package dev.headstart.server.tls;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.HexFormat;

/**
 * What the server shows itself by.
 *
 * @param chain its certificate first
 * @param key of that certificate
 */
record Identity(X509Certificate[] chain, PrivateKey key) {

  /** SHA-256 of the certificate, as browsers and OpenSSL show it. */
  String fingerprint() {
    try {
      return HexFormat.ofDelimiter(":")
          .withUpperCase()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(chain[0].getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
