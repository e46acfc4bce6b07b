package dev.headstart.serving;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Structure;
import dev.headstart.ort.OrtRuntime;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process holds when everything that can be freed is freed.
 *
 * @param handles native sessions and tensors that are open
 * @param heap bytes of Java objects
 * @param allocated bytes that native code has from malloc; 0 where the C library does not say
 * @param resident bytes of memory; 0 where the system does not say
 */
record Footprint(int handles, long heap, long allocated, long resident) {

  static Footprint now() throws Exception {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(100); // buffers outside the heap are freed by a thread of their own
    }
    trim();
    return new Footprint(
        OrtRuntime.openHandles(),
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
        allocatedByMalloc(),
        inMemory());
  }

  /** glibc's {@code struct mallinfo2}. */
  @Structure.FieldOrder({
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost"
  })
  public static final class MallInfo extends Structure implements Structure.ByValue {
    public long arena;
    public long ordblks;
    public long smblks;
    public long hblks;
    public long hblkhd;
    public long usmblks;
    public long fsmblks;
    public long uordblks;
    public long fordblks;
    public long keepcost;
  }

  private static long allocatedByMalloc() {
    try {
      Function mallinfo = NativeLibrary.getInstance("c").getFunction("mallinfo2");
      MallInfo info = (MallInfo) mallinfo.invoke(MallInfo.class, new Object[0]);
      return info.uordblks + info.hblkhd;
    } catch (UnsatisfiedLinkError e) {
      return 0; // glibc before 2.33, or another library
    }
  }

  private static void trim() {
    try {
      NativeLibrary.getInstance("c").getFunction("malloc_trim").invokeInt(new Object[] {0L});
    } catch (UnsatisfiedLinkError e) {
      System.out.println("free native memory cannot be given back here: " + e.getMessage());
    }
  }

  private static long inMemory() throws Exception {
    Path statm = Path.of("/proc/self/statm");
    return Files.exists(statm) ? Long.parseLong(Files.readString(statm).split(" ")[1]) * 4096 : 0;
  }

  @Override
  public String toString() {
    return handles
        + " handles, "
        + heap / 1024
        + " KiB of heap, "
        + allocated / 1024
        + " KiB of native memory, "
        + resident / 1024
        + " KiB resident";
  }
}
