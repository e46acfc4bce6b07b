package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's files, as they are written in containers and outside. */
class FreeMemoryTest {
  @TempDir Path root;

  private void file(String name, String content) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private long free() {
    return FreeMemory.bytes(root.resolve("proc"), root.resolve("cgroup"));
  }

  @Test
  void withoutALimitItIsWhatTheMachineHas() throws IOException {
    file("proc/meminfo", "MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable: 4000 kB\n");
    file("proc/self/cgroup", "0::/user.slice/a.scope\n");
    file("cgroup/user.slice/a.scope/memory.max", "max\n");
    file("cgroup/user.slice/a.scope/memory.current", "1000\n");
    assertEquals(4000L * 1024, free());
  }

  @Test
  void aLimitAnywhereAboveCountsAndCachedFilesDoNot() throws IOException {
    file("proc/meminfo", "MemAvailable: 4000 kB\n");
    file("proc/self/cgroup", "0::/user.slice/a.scope\n");
    file("cgroup/user.slice/memory.max", "1000000\n");
    file("cgroup/user.slice/memory.current", "900000\n");
    file(
        "cgroup/user.slice/memory.stat",
        "anon 1\nactive_file 100000\ninactive_file 300000\nfile 400000\n");
    assertEquals(500_000, free());
  }

  @Test
  void theFirstVersionIsReadToo() throws IOException {
    file("proc/meminfo", "MemAvailable: 4000 kB\n");
    file("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/of-the-host\n0::/\n");
    file("cgroup/memory/memory.limit_in_bytes", "2000000\n");
    file("cgroup/memory/memory.usage_in_bytes", "500000\n");
    assertEquals(1_500_000, free());
  }

  @Test
  void moreThanTheLimitInUseIsNothingFree() throws IOException {
    file("proc/meminfo", "MemAvailable: 4000 kB\n");
    file("proc/self/cgroup", "0::/\n");
    file("cgroup/memory.max", "1000\n");
    file("cgroup/memory.current", "2000\n");
    assertEquals(0, free());
  }

  @Test
  void thisMachineHasSome() {
    assertTrue(FreeMemory.bytes() > 1 << 20);
  }
}
