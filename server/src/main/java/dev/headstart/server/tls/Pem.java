package dev.headstart.server.tls;

import dev.headstart.error.BadInputException;
import dev.headstart.server.SettingChecks;
import io.grpc.util.CertificateUtils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.KeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Certificates and keys in PEM files (RFC 7468); a key is in PKCS#8 (RFC 5958). */
final class Pem {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ([A-Z ]*PRIVATE KEY)-----([^-]*)-----END \\1-----");

  private Pem() {}

  /**
   * Reads certificates.
   *
   * @param setting that names the file, for messages
   */
  static X509Certificate[] certificates(String setting, Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      X509Certificate[] certificates = CertificateUtils.getX509Certificates(in);
      if (certificates.length == 0) {
        throw SettingChecks.wrong(setting, "a PEM file with a certificate", file);
      }
      return certificates;
    } catch (IOException e) {
      throw unreadable(setting, file, e);
    } catch (GeneralSecurityException e) {
      throw new BadInputException(
          setting + ": " + file + " is not a PEM file with certificates: " + e.getMessage(), e);
    }
  }

  /**
   * Reads the key of a certificate.
   *
   * @param passwordFile of an encrypted key; may be null for others
   */
  static PrivateKey key(Path file, Path passwordFile, X509Certificate certificate) {
    String setting = "headstart.tls.key";
    String algorithm = certificate.getPublicKey().getAlgorithm();
    try {
      Matcher pem = KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
      if (!pem.find()) {
        throw SettingChecks.wrong(setting, "a PEM file with a private key", file);
      }
      byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
      KeySpec spec =
          switch (pem.group(1)) {
            case "PRIVATE KEY" -> new PKCS8EncodedKeySpec(der);
            case "ENCRYPTED PRIVATE KEY" -> decrypted(file, der, passwordFile);
            default ->
                throw new BadInputException(
                    setting
                        + ": "
                        + file
                        + " holds a key of the older form '"
                        + pem.group(1)
                        + "'; make it PKCS#8 with: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW");
          };
      PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(spec);
      if (!fits(key, certificate)) {
        throw new BadInputException(
            setting + ": " + file + " is not the key of the certificate; they come as a pair");
      }
      return key;
    } catch (IOException e) {
      throw unreadable(setting, file, e);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new BadInputException(
          setting + ": " + file + " holds no " + algorithm + " key: " + e.getMessage(), e);
    }
  }

  private static KeySpec decrypted(Path file, byte[] der, Path passwordFile) throws IOException {
    if (passwordFile == null) {
      throw new BadInputException(
          "headstart.tls.key: "
              + file
              + " is encrypted; name a file with its password in"
              + " headstart.tls.key-password-file");
    }
    char[] password = Files.readString(passwordFile).strip().toCharArray();
    try {
      EncryptedPrivateKeyInfo encrypted = new EncryptedPrivateKeyInfo(der);
      // PBES2's parameters know which of its ciphers it is; older schemes are named by themselves.
      String scheme =
          encrypted.getAlgName().equals("PBES2") || encrypted.getAlgName().startsWith("1.2.")
              ? encrypted.getAlgParameters().toString()
              : encrypted.getAlgName();
      Cipher cipher = Cipher.getInstance(scheme);
      cipher.init(
          Cipher.DECRYPT_MODE,
          SecretKeyFactory.getInstance(scheme).generateSecret(new PBEKeySpec(password)),
          encrypted.getAlgParameters());
      return encrypted.getKeySpec(cipher);
    } catch (GeneralSecurityException e) {
      throw new BadInputException(
          "headstart.tls.key: "
              + file
              + " cannot be decrypted with the password in "
              + passwordFile
              + ": "
              + e.getMessage(),
          e);
    }
  }

  /** Whether what the key signs the certificate verifies. */
  private static boolean fits(PrivateKey key, X509Certificate certificate)
      throws GeneralSecurityException {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    byte[] any = {1, 2, 3};
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(key);
    signature.update(any);
    byte[] signed = signature.sign();
    signature.initVerify(certificate.getPublicKey());
    signature.update(any);
    return signature.verify(signed);
  }

  private static BadInputException unreadable(String setting, Path file, IOException e) {
    return new BadInputException(
        setting
            + ": "
            + file
            + " cannot be read: "
            + e.getMessage()
            + " ("
            + e.getClass().getSimpleName()
            + ")",
        e);
  }
}
