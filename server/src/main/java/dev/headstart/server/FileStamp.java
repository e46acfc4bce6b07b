package dev.headstart.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/**
 * By what a file is seen to have changed. Links are followed: Kubernetes changes mounted secrets by
 * turning a link.
 *
 * @param modified null if there is no file
 * @param key its inode, where the file system has such
 */
public record FileStamp(FileTime modified, long size, Object key) {

  /** Of the file as it is now. */
  public static FileStamp of(Path file) {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      return new FileStamp(now.lastModifiedTime(), now.size(), now.fileKey());
    } catch (IOException e) {
      return new FileStamp(null, 0, null); // none, or none that can be read
    }
  }
}
