package io.sheepfs.microbench;

import io.sheepfs.telemetry.RequestEvent;
import io.sheepfs.telemetry.SlowRequests;
import io.sheepfs.telemetry.Stage;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs a request to be timed. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class StageBenchmark {

  /** From how many milliseconds on requests are told; 0 for never. */
  @Param({"0", "1000"})
  private int slowMillis;

  /** Switches it on, or off. */
  @Setup
  public void slow() {
    SlowRequests.tellFrom(slowMillis);
  }

  /** The clock alone, twice. */
  @Benchmark
  public long clock() {
    long begin = System.nanoTime();
    return System.nanoTime() - begin;
  }

  /** A stage within a request. */
  @Benchmark
  public long stage() {
    return Stage.STORE_READ.end(Stage.begin());
  }

  /** A whole request, with what a transport does around it. */
  @Benchmark
  public boolean request() {
    SlowRequests.begin();
    RequestEvent event = RequestEvent.started();
    long begin = Stage.begin();
    event.ended(Stage.FUSE_READ);
    return SlowRequests.isSlow(Stage.FUSE_READ.end(begin));
  }
}
