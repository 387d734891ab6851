package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The disk under a cache, held by one process at a time. Everything written survives the death of
 * the process, in the order it was written; only what was forced surely survives a reboot, and of
 * the rest any part may. Safe for any number of threads.
 */
interface CacheDisk extends Closeable {

  /** Identifies the run of the operating system: changes with each reboot. */
  String bootId() throws IOException;

  /** The record of {@link #writeState}; null if there never was one. */
  byte @Nullable [] readState() throws IOException;

  /** Replaces the state record; atomic, and on stable storage when it returns. */
  void writeState(byte[] state) throws IOException;

  /** The record of {@link #writeQuotas}; null if there never was one. */
  byte @Nullable [] readQuotas() throws IOException;

  /** Replaces the record of the quotas; atomic, and on stable storage when it returns. */
  void writeQuotas(byte[] quotas) throws IOException;

  /** The VDIs with anything here. Files that cannot be ours are set aside first. */
  List<VdiId> vdis() throws IOException;

  /** The indexes of the objects with a file. */
  List<Integer> objects(VdiId vid) throws IOException;

  /** Opens the file of an object; makes it if it is not there. */
  ObjectFile open(VdiId vid, int index) throws IOException;

  /** Removes the file of an object; one that is not there is a success. */
  void delete(VdiId vid, int index) throws IOException;

  /** Removes all there is of a VDI. Nothing of it may be in use. */
  void deleteVdi(VdiId vid) throws IOException;

  /** Sets all there is of a VDI aside, for a person to look at. */
  void quarantine(VdiId vid) throws IOException;

  /** The length of the map file of a VDI; 0 if there is none. */
  long mapBytes(VdiId vid) throws IOException;

  /**
   * A part of the map file, shared with the disk: a store into the buffer is a write to the file.
   * Where the file is shorter it grows, with zeros, and the space for it is taken at once, so that
   * no later store can fail. The buffer is 8-byte aligned if {@code position} is a multiple of
   * 4096.
   */
  ByteBuffer map(VdiId vid, long position, int length) throws IOException;

  /** The maps of one object, in what {@link #map} returned. A disk may want to see their stores. */
  default BlockMap slot(VdiId vid, ByteBuffer chunk, int slotAt, int slot, int index, int blocks) {
    return new BlockMap(chunk, slotAt, slot, index, blocks);
  }

  /** Puts the map file of a VDI, if it has one, and the names of its files on stable storage. */
  void forceMaps(VdiId vid) throws IOException;

  /** Fails unless a small file can be written and forced. */
  void probe() throws IOException;

  /** What is free for us. */
  long freeBytes() throws IOException;
}
