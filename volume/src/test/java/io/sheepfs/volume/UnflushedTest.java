package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Writes that the store loses before they are flushed: the flush says so, once. */
final class UnflushedTest {

  private static final VdiName NAME = new VdiName("disk");

  private final MemoryCluster cluster = new MemoryCluster().rememberForPowerCut();
  private final MemoryCluster elsewhere = cluster.newSession();

  private Volume open() throws SheepException {
    cluster.vdis().create(NAME, VdiSpec.ofSize(64 << 20));
    return Volume.open(cluster, NAME, Access.READ_WRITE);
  }

  private static void write(Volume volume, int value) throws IOException {
    byte[] bytes = new byte[4096];
    bytes[0] = (byte) value;
    volume.write(0, ByteBuffer.wrap(bytes));
  }

  private static void assertTold(Volume volume) {
    SheepException told = assertThrows(SheepException.class, volume::flush);
    assertEquals(ResultCode.EIO, told.result());
    assertTrue(told.toString().contains("lost"), told::toString);
  }

  @Test
  void flush_lossBefore_failsOnce() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      volume.flush();
      write(volume, 2);
      elsewhere.powerCut(new Random(1));
      assertTold(volume);
      assertFalse(volume.isDirty());
      assertDoesNotThrow(volume::flush);
      write(volume, 3);
      assertDoesNotThrow(volume::flush);
    }
  }

  @Test
  void flush_lossWhenNothingWasUnflushed_succeeds() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      volume.flush();
      elsewhere.powerCut(new Random(1));
      assertDoesNotThrow(volume::flush);
      write(volume, 2);
      assertDoesNotThrow(volume::flush);
    }
  }

  @Test
  void flush_lossBetweenTwoWrites_fails() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      elsewhere.powerCut(new Random(1));
      volume.resize(65 << 20);
      assertTold(volume);
    }
  }

  @Test
  void close_lossBefore_failsAndCanBeRepeated() throws Exception {
    Volume volume = open();
    write(volume, 1);
    elsewhere.powerCut(new Random(1));
    assertThrows(SheepException.class, volume::close);
    volume.close();
  }

  @Test
  void flush_failsThenLoss_isTold() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      cluster.setFault(
          MemoryCluster.Fault.failing(
              call -> call.operation() == MemoryCluster.Operation.FLUSH, ResultCode.NETWORK_ERROR));
      assertThrows(SheepException.class, volume::flush);
      cluster.setFault(MemoryCluster.Fault.none());
      assertTrue(volume.isDirty());
      elsewhere.powerCut(new Random(1));
      assertTold(volume);
    }
  }

  @Test
  void flush_lossBeforeSnapshotElsewhere_isTold() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      volume.flush();
      write(volume, 2);
      elsewhere.powerCut(new Random(1));
      elsewhere.vdis().snapshot(NAME, new SnapshotTag("tag"));
      write(volume, 3);
      assertTold(volume);
      assertDoesNotThrow(volume::flush);
    }
  }

  @Test
  void flush_lossAfterSnapshotElsewhere_isTold() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      elsewhere.vdis().snapshot(NAME, new SnapshotTag("tag"));
      write(volume, 2);
      elsewhere.powerCut(new Random(1));
      assertTold(volume);
    }
  }

  @Test
  void flush_toldOfEarlierLoss_thenSnapshotElsewhere_succeeds() throws Exception {
    try (Volume volume = open()) {
      write(volume, 1);
      volume.flush();
      write(volume, 2);
      elsewhere.powerCut(new Random(1));
      assertTold(volume);
      elsewhere.vdis().snapshot(NAME, new SnapshotTag("tag"));
      write(volume, 3);
      assertDoesNotThrow(volume::flush);
    }
  }

  @Test
  void overlappingFlushes_bothAreTold() {
    Unflushed unflushed = new Unflushed();
    unflushed.wrote(0);
    long first = unflushed.begin();
    assertTrue(unflushed.any());
    long second = unflushed.begin();
    assertFalse(unflushed.covered(first, () -> 1));
    assertFalse(unflushed.covered(second, () -> 1));
    assertFalse(unflushed.any());
    assertTrue(unflushed.covered(unflushed.begin(), () -> 1));
  }

  @Test
  void writeDuringFlush_isNotCoveredByIt() {
    Unflushed unflushed = new Unflushed();
    unflushed.wrote(3);
    long flush = unflushed.begin();
    unflushed.wrote(3);
    assertTrue(unflushed.covered(flush, () -> 3));
    assertTrue(unflushed.any());
    assertFalse(unflushed.covered(unflushed.begin(), () -> 4));
  }
}
