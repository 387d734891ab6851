package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.stream.Stream;

/**
 * A set of VDI ids, as READ_VDIS and READ_DEL_VDIS answer it: 2 MiB, bit <i>n</i> % 8 of byte
 * <i>n</i> / 8 stands for the id <i>n</i>. Immutable.
 */
public final class VdiBitmap {

  /** Bytes of the bitmap. */
  public static final int SIZE_BYTES = (VdiId.MAX + 1) / Byte.SIZE;

  private final BitSet bits;

  private VdiBitmap(BitSet bits) {
    this.bits = bits;
  }

  /** The ids of a stream. */
  public static VdiBitmap of(Stream<VdiId> vids) {
    BitSet bits = new BitSet();
    vids.forEach(vid -> bits.set(vid.value()));
    return new VdiBitmap(bits);
  }

  /**
   * Reads a bitmap from {@code source}'s position on. The bit of the id 0, which no VDI has, is
   * ignored.
   */
  public static VdiBitmap decode(ByteBuffer source) {
    // BitSet.valueOf(ByteBuffer) takes word by word what this copies at once
    long[] words = new long[SIZE_BYTES / Long.BYTES];
    WireBytes.take(source, SIZE_BYTES).asLongBuffer().get(words);
    BitSet bits = BitSet.valueOf(words);
    bits.clear(0);
    return new VdiBitmap(bits);
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    return WireBytes.allocate(SIZE_BYTES).put(0, bits.toByteArray());
  }

  /** Whether the id is in it. */
  public boolean contains(VdiId vid) {
    return bits.get(vid.value());
  }

  /** The ids, ascending. */
  public Stream<VdiId> vids() {
    return bits.stream().mapToObj(VdiId::new);
  }

  /** The ids that are here but not in {@code other}. */
  public VdiBitmap without(VdiBitmap other) {
    BitSet rest = (BitSet) bits.clone();
    rest.andNot(other.bits);
    return new VdiBitmap(rest);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof VdiBitmap that && bits.equals(that.bits);
  }

  @Override
  public int hashCode() {
    return bits.hashCode();
  }

  @Override
  public String toString() {
    return "VdiBitmap[" + bits.cardinality() + " ids]";
  }
}
