package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiAttribute;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.SheepClient;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several clients make one attribute at a time, each to be the only one: scripts lock so. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class AttributeRaceTest {

  private static final int CLIENTS = 4;
  private static final int ROUNDS = 20;

  @Test
  void getVdiAttr_exclusiveByManyClients_isGivenToOne() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS)) {
      store.sheep().vdis().create(new VdiName("disk"), VdiSpec.ofSize(1 << 20));
      CyclicBarrier start = new CyclicBarrier(CLIENTS);
      List<Future<List<ResultCode>>> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(threads.submit(client(store, start)));
      }
      List<ResultCode> all = new ArrayList<>();
      for (Future<List<ResultCode>> client : clients) {
        all.addAll(client.get());
      }
      assertEquals(ROUNDS, Collections.frequency(all, ResultCode.SUCCESS));
      assertEquals((CLIENTS - 1) * ROUNDS, Collections.frequency(all, ResultCode.VDI_EXIST));
    } finally {
      threads.shutdownNow();
    }
  }

  private static Callable<List<ResultCode>> client(ServedStore store, CyclicBarrier start) {
    return () -> {
      List<ResultCode> results = new ArrayList<>();
      try (SheepClient client =
          SheepClient.connect(List.of(store.address()), ClientOptions.DEFAULTS)) {
        for (int round = 0; round < ROUNDS; round++) {
          ByteBuffer body =
              new VdiAttribute("disk", "", 0, 0, "lock-" + round, new byte[1]).encode();
          start.await();
          results.add(
              client
                  .call(
                      Opcode.GET_VDI_ATTR,
                      RequestFlags.CREATE | RequestFlags.EXCLUSIVE,
                      RequestFields.Vdi.lookup(0),
                      body,
                      null,
                      SheepClient.Repeat.IF_NOT_SENT)
                  .result());
        }
      }
      return results;
    };
  }
}
