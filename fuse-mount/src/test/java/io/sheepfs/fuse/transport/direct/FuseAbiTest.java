package io.sheepfs.fuse.transport.direct;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FuseAbiTest {

  @Test
  void everyConstant_besideTheKernelsHeader_isTheSame() throws Exception {
    assertEquals(golden(), declared());
  }

  private static Map<String, String> golden() throws IOException {
    Properties properties = new Properties();
    try (InputStream in =
        Objects.requireNonNull(FuseAbiTest.class.getResourceAsStream("fuse-abi.properties"))) {
      properties.load(in);
    }
    Map<String, String> values = new TreeMap<>();
    properties.forEach((key, value) -> values.put((String) key, (String) value));
    return values;
  }

  private static Map<String, String> declared() throws IllegalAccessException {
    Map<String, String> values = new TreeMap<>();
    for (Class<?> structure : FuseAbi.class.getDeclaredClasses()) {
      for (Field field : structure.getDeclaredFields()) {
        values.put(structure.getSimpleName() + "." + field.getName(), field.get(null).toString());
      }
    }
    return values;
  }
}
