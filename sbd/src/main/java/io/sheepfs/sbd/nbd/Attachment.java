package io.sheepfs.sbd.nbd;

import io.sheepfs.volume.Volume;

/** What one connection has of an export: the size it was told, and the volume it shares. */
final class Attachment {

  private final Exports exports;
  private final SharedVolume shared;
  private final Volume volume;
  private final long sizeBytes;
  private final boolean readOnly;

  Attachment(Exports exports, SharedVolume shared, boolean mayWrite) {
    this.exports = exports;
    this.shared = shared;
    this.volume = shared.volume();
    this.sizeBytes = volume.sizeBytes();
    this.readOnly = !mayWrite || shared.isReadOnly();
  }

  String name() {
    return shared.name();
  }

  Volume volume() {
    return volume;
  }

  long sizeBytes() {
    return sizeBytes;
  }

  boolean isReadOnly() {
    return readOnly;
  }

  /** To be called once, when no request is under way any more. Blocks: it may flush. */
  void detach() {
    exports.detach(shared);
  }
}
