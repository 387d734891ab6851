package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.CacheCommand;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What commands have to do with caches: orders to them, and flushes before a look. */
final class VdiCacheTest {

  private final MemoryCluster cluster = new MemoryCluster(20);
  private final DogRunner dog = new DogRunner(cluster);
  private final List<String> orders = new ArrayList<>();

  @BeforeEach
  void makeDisk() {
    assertEquals(0, dog.run("vdi", "create", "disk", "4M"), dog::err);
    assertEquals(0, dog.run(new byte[3], "vdi", "write", "disk"), dog::err);
  }

  private void answer(String text) {
    dog.answer(
        (request, body) -> {
          assertEquals(Opcode.CACHE_COMMAND, request.opcode());
          orders.add(CacheCommand.decode(body));
          return DogRunner.reply(
              request,
              ResultCode.SUCCESS,
              new ResponseFields.None(),
              text.getBytes(StandardCharsets.UTF_8));
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "warm disk              | warm           | warm done 1048576 1048576   | 0",
        "warm -b disk           | warm           | warm running 0 1048576      | 0",
        "warm --stop disk       | warm stop      | warm stopped 0 1048576      | 0",
        "warm disk              | warm           | warm full 1048576 4194304   | 4",
        "warm disk              | warm           | warm failed 0 1048576       | 1",
        "warm disk              | warm           | bark                        | 1",
        "warm disk              | warm           | warm done much 7            | 1",
        "quota disk             | quota          | quota 0 1048576             | 0",
        "quota disk 10M         | quota 10485760 | quota 10485760 1048576      | 0",
        "quota disk none        | quota none     | quota 0 1048576             | 0",
        "fsck disk              | fsck           | fsck 1048576 2 0            | 0",
        "fsck disk              | fsck           | fsck 1048576 2 1            | 1",
      })
  void order_answered_told(String command, String order, String answer, int exitCode) {
    answer(answer);
    assertEquals(exitCode, dog.run(("vdi cache " + command).split(" ", -1)), dog::err);
    assertEquals(List.of(order), orders);
    assertEquals(exitCode != 0, !dog.err().isEmpty(), dog::err);
  }

  @Test
  void quota_formats() {
    answer("quota 10485760 1048576");
    assertEquals(0, dog.run("vdi", "cache", "quota", "disk"));
    assertEquals("limit 10 MB, used 1.0 MB\n", dog.out());
    assertEquals(0, dog.run("vdi", "cache", "quota", "-r", "disk"));
    assertEquals("10485760 1048576\n", dog.out());
    assertEquals(0, dog.run("vdi", "cache", "quota", "--json", "disk"));
    assertEquals("{\"name\":\"disk\",\"limit\":10485760,\"used\":1048576}\n", dog.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"warm disk", "quota disk 1M", "fsck disk"})
  void order_sheepWithoutCache_saysSo(String command) {
    for (ResultCode refusal : List.of(ResultCode.INVALID_PARMS, ResultCode.NO_SUPPORT)) {
      dog.answer((request, body) -> DogRunner.reply(request, refusal));
      assertEquals(1, dog.run(("vdi cache " + command).split(" ", -1)));
      assertTrue(dog.err().contains("has no object cache"), dog::err);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vdi object location disk",
        "vdi object location -i 0 disk",
        "vdi object map disk",
        "vdi track disk",
        "vdi track -i 0 disk",
        "vdi check disk",
        "vdi check -e disk",
      })
  void look_atObjects_flushesBeforeItReads(String command) {
    List<MemoryCluster.Call> calls = new ArrayList<>();
    dog.watch(calls::add);
    dog.answer((request, body) -> DogRunner.reply(request, ResultCode.NO_OBJ));
    dog.run(command.split(" ", -1));
    List<Operation> objects =
        calls.stream()
            .filter(call -> call.oid() != null)
            .map(MemoryCluster.Call::operation)
            .toList();
    assertEquals(Operation.FLUSH, objects.isEmpty() ? null : objects.get(0), calls::toString);
  }

  @Test
  void list_neverTouchesCaches() {
    List<MemoryCluster.Call> calls = new ArrayList<>();
    dog.watch(calls::add);
    assertEquals(0, dog.run("vdi", "list"), dog::err);
    assertTrue(dog.requests().isEmpty());
    assertTrue(
        calls.stream()
            .allMatch(
                call ->
                    call.operation() == Operation.LIST
                        || (call.operation() == Operation.READ && call.isInode())),
        calls::toString);
  }
}
