package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.SheepClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the original's tools ask for in ways in which our own client never does. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class OriginalToolsTest {

  private static final VdiName NAME = new VdiName("disk");

  private static ResponseHeader newVdi(SheepClient client, RequestFields.Vdi fields)
      throws SheepException {
    ByteBuffer name = VdiNameRecord.of(NAME).encode();
    return client.call(Opcode.NEW_VDI, 0, fields, name, null, SheepClient.Repeat.IF_NOT_SENT);
  }

  @Test
  void newVdi_largestObjects_wholeOneIsTakenAndLargerAreRefused() throws IOException {
    int shift = ServerOptions.DEFAULTS.maxBlockSizeShift();
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Cluster cluster = store.connect();
        SheepClient client =
            SheepClient.connect(List.of(store.address()), ClientOptions.DEFAULTS)) {
      RequestFields.Vdi tooLarge = new RequestFields.Vdi(1L << 30, 0, 1, 0, 0, shift + 1, 0, 0);
      assertEquals(ResultCode.INVALID_PARMS, newVdi(client, tooLarge).result());
      RequestFields.Vdi largest = new RequestFields.Vdi(1L << 30, 0, 1, 0, 0, shift, 0, 0);
      assertEquals(ResultCode.SUCCESS, newVdi(client, largest).result());
      ObjectId whole = ObjectId.data(cluster.vdis().lookup(NAME).vid(), 0);
      ByteBuffer content = ByteBuffer.allocateDirect(1 << shift);
      content.putInt((1 << shift) - 4, 7);
      cluster.objects().create(whole, 0, content, Durability.UNSTABLE);
      ByteBuffer found = ByteBuffer.allocateDirect(1 << shift);
      cluster.objects().read(whole, 0, found);
      assertEquals(7, found.getInt((1 << shift) - 4));
    }
  }
}
