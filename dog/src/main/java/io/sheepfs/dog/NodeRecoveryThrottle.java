package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecoveryThrottle;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code dog node recovery set-throttle} and {@code get-throttle}. */
final class NodeRecoveryThrottle {

  private NodeRecoveryThrottle() {}

  /** Sets the limits. */
  @Command(name = "set-throttle", description = "Limits the speed of recovery.")
  static final class Set extends DogCommand {

    @Parameters(index = "0", paramLabel = "MAX", description = "objects at a time; 0: no limit")
    private String max = "";

    @Parameters(index = "1", paramLabel = "INTERVAL", description = "milliseconds between them")
    private String interval = "";

    Set(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws SheepException, DogException {
      long objects = limit(max, "max", 0xFFFF_FFFFL);
      long millis = limit(interval, "interval", Long.MAX_VALUE);
      if ((objects == 0) != (millis == 0)) {
        throw DogException.usage(
            "Invalid max (" + objects + ") and interval (" + millis + "): both are 0, or neither");
      }
      RecoveryThrottle throttle = new RecoveryThrottle((int) objects, millis, objects != 0);
      session
          .sheep()
          .send(Opcode.SET_RECOVERY, 0, new RequestFields.None(), throttle.encode())
          .orThrow("limit the recovery");
      return ExitCode.SUCCESS;
    }

    private static long limit(String text, String what, long most) throws DogException {
      long number = isNumber(text) && text.length() < 19 ? Long.parseLong(text) : -1;
      if (number < 0 || number > most) {
        throw DogException.usage("Invalid " + what + " (" + text + ")");
      }
      return number;
    }
  }

  /** Shows them. */
  @Command(name = "get-throttle", description = "Shows the limits of the speed of recovery.")
  static final class Get extends DogCommand {

    Get(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws SheepException {
      RecoveryThrottle throttle =
          RecoveryThrottle.decode(
              session
                  .sheep()
                  .ask(Opcode.GET_RECOVERY, new RequestFields.None(), RecoveryThrottle.SIZE_BYTES)
                  .orThrow("ask for the limits of recovery")
                  .body());
      session
          .out()
          .println(
              "max ("
                  + Integer.toUnsignedString(throttle.maxObjects())
                  + "), interval ("
                  + throttle.intervalMillis()
                  + ")");
      return ExitCode.SUCCESS;
    }
  }
}
