package io.sheepfs.store.sim;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Handle;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Loads the classes of the store once more, with all that concerns time, threads and locks led to
 * {@link Sim}: production code needs no seams for those, and code that is added is in the
 * simulation by itself. What the simulation does not know is refused when its class is loaded.
 */
public final class Rewriter extends ClassLoader {

  static {
    registerAsParallelCapable();
  }

  private static final String STORE = "io.sheepfs.store.";
  private static final String HERE = "io/sheepfs/store/sim/";
  private static final String SIM = HERE + "Sim";

  /** What is made instead of what. */
  private static final Map<String, String> MADE =
      Map.of(
          "java/lang/Thread", HERE + "SimThread",
          "java/util/concurrent/locks/ReentrantLock", HERE + "SimLock",
          "java/util/concurrent/locks/ReentrantReadWriteLock", HERE + "SimReadWriteLock",
          "java/util/concurrent/locks/StampedLock", HERE + "SimStampedLock");

  /** Static methods that have namesakes in {@link Sim}. */
  private static final Set<String> STATIC =
      Set.of(
          "java/lang/System.nanoTime",
          "java/lang/System.currentTimeMillis",
          "java/lang/Thread.interrupted",
          "java/lang/Thread.sleep",
          "java/time/InstantSource.system",
          "java/util/UUID.randomUUID");

  /** Methods that become static ones there, with what they were called on as the first argument. */
  private static final Set<String> VIRTUAL =
      Set.of(
          "java/lang/Object.wait",
          "java/lang/Object.notify",
          "java/lang/Object.notifyAll",
          "java/lang/Thread.interrupt",
          "java/lang/Thread.join");

  /** Where threads wait in ways that nobody has played yet. */
  private static final List<String> UNKNOWN =
      List.of(
          "java/util/concurrent/CountDownLatch",
          "java/util/concurrent/CyclicBarrier",
          "java/util/concurrent/CompletableFuture",
          "java/util/concurrent/Semaphore",
          "java/util/concurrent/ForkJoinPool",
          "java/util/concurrent/LinkedBlockingQueue",
          "java/util/concurrent/ArrayBlockingQueue",
          "java/util/concurrent/locks/LockSupport",
          "java/util/Timer",
          "java/util/concurrent/ThreadPoolExecutor");

  /** Classes as they are in {@code parent}, but for those of the store. */
  public Rewriter(ClassLoader parent) {
    super(parent);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(STORE)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      return known != null ? known : define(name);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    String file = name.replace('.', '/') + ".class";
    try (InputStream in = getParent().getResourceAsStream(file)) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] bytes = in.readAllBytes();
      if (!name.startsWith(HERE.replace('/', '.'))) {
        bytes = rewritten(bytes);
      }
      return defineClass(name, bytes, 0, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] rewritten(byte[] bytes) {
    ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS);
    new ClassReader(bytes).accept(new OfClass(writer), ClassReader.EXPAND_FRAMES);
    return writer.toByteArray();
  }

  private static final class OfClass extends ClassVisitor {
    private String name = "";

    OfClass(ClassVisitor next) {
      super(Opcodes.ASM9, next);
    }

    @Override
    public void visit(
        int version,
        int access,
        String own,
        @Nullable String signature,
        @Nullable String parent,
        String @Nullable [] interfaces) {
      name = own;
      if (parent != null && MADE.containsKey(parent)) {
        throw new IllegalStateException("the simulation does not know " + own + " as a " + parent);
      }
      super.visit(version, access, own, signature, parent, interfaces);
    }

    @Override
    public MethodVisitor visitMethod(
        int access,
        String method,
        String descriptor,
        @Nullable String signature,
        String @Nullable [] exceptions) {
      boolean isSynchronized = (access & Opcodes.ACC_SYNCHRONIZED) != 0;
      MethodVisitor next =
          super.visitMethod(
              access & ~Opcodes.ACC_SYNCHRONIZED, method, descriptor, signature, exceptions);
      boolean isStatic = (access & Opcodes.ACC_STATIC) != 0;
      MethodVisitor calls = new OfMethod(next, name + "." + method);
      return isSynchronized ? new Locked(calls, name, isStatic, descriptor) : calls;
    }
  }

  /** Leads calls elsewhere. */
  private static final class OfMethod extends MethodVisitor {
    private final String where;

    OfMethod(MethodVisitor next, String where) {
      super(Opcodes.ASM9, next);
      this.where = where;
    }

    private void check(String owner) {
      if (UNKNOWN.contains(owner)) {
        throw new IllegalStateException("the simulation does not know " + owner + " in " + where);
      }
    }

    @Override
    public void visitTypeInsn(int opcode, String type) {
      boolean made = opcode == Opcodes.NEW;
      super.visitTypeInsn(opcode, made ? MADE.getOrDefault(type, type) : type);
    }

    @Override
    public void visitMethodInsn(
        int opcode, String owner, String method, String descriptor, boolean isInterface) {
      check(owner);
      String full = owner + "." + method;
      if (opcode == Opcodes.INVOKESPECIAL && method.equals("<init>") && MADE.containsKey(owner)) {
        super.visitMethodInsn(opcode, MADE.get(owner), method, descriptor, isInterface);
      } else if (opcode == Opcodes.INVOKESTATIC && STATIC.contains(full)) {
        super.visitMethodInsn(opcode, SIM, method, descriptor, false);
      } else if (opcode == Opcodes.INVOKESTATIC && owner.equals("java/util/concurrent/Executors")) {
        super.visitMethodInsn(opcode, HERE + "SimExecutors", method, descriptor, false);
      } else if (opcode == Opcodes.INVOKEVIRTUAL && VIRTUAL.contains(full)) {
        String with = "(L" + owner + ";" + descriptor.substring(1);
        super.visitMethodInsn(Opcodes.INVOKESTATIC, SIM, method, with, false);
      } else {
        super.visitMethodInsn(opcode, owner, method, descriptor, isInterface);
      }
    }

    @Override
    public void visitInvokeDynamicInsn(
        String method, String descriptor, Handle bootstrap, Object... arguments) {
      Object[] led = arguments.clone();
      for (int i = 0; i < led.length; i++) {
        if (led[i] instanceof Handle handle) {
          check(handle.getOwner());
          led[i] = led(handle);
        }
      }
      super.visitInvokeDynamicInsn(method, descriptor, bootstrap, led);
    }

    /** A method as a value. */
    private static Handle led(Handle handle) {
      String full = handle.getOwner() + "." + handle.getName();
      if (STATIC.contains(full)) {
        return new Handle(handle.getTag(), SIM, handle.getName(), handle.getDesc(), false);
      }
      if (MADE.containsKey(handle.getOwner()) || VIRTUAL.contains(full)) {
        throw new IllegalStateException("the simulation does not know " + full + " as a value");
      }
      return handle;
    }

    @Override
    public void visitInsn(int opcode) {
      if (opcode == Opcodes.MONITORENTER || opcode == Opcodes.MONITOREXIT) {
        String name = opcode == Opcodes.MONITORENTER ? "monitorEnter" : "monitorExit";
        super.visitMethodInsn(Opcodes.INVOKESTATIC, SIM, name, "(Ljava/lang/Object;)V", false);
      } else {
        super.visitInsn(opcode);
      }
    }
  }

  /** Makes of a synchronized method one that takes and releases by itself. */
  private static final class Locked extends MethodVisitor {
    private final String type;
    private final boolean isStatic;
    private final String descriptor;
    private final Label start = new Label();
    private final Label end = new Label();

    Locked(MethodVisitor next, String type, boolean isStatic, String descriptor) {
      super(Opcodes.ASM9, next);
      this.type = type;
      this.isStatic = isStatic;
      this.descriptor = descriptor;
    }

    private void call(String method) {
      if (isStatic) {
        super.visitLdcInsn(Type.getObjectType(type));
      } else {
        super.visitVarInsn(Opcodes.ALOAD, 0);
      }
      super.visitMethodInsn(Opcodes.INVOKESTATIC, SIM, method, "(Ljava/lang/Object;)V", false);
    }

    @Override
    public void visitCode() {
      super.visitCode();
      call("monitorEnter");
      super.visitLabel(start);
    }

    @Override
    public void visitInsn(int opcode) {
      if (opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN) {
        call("monitorExit");
      }
      super.visitInsn(opcode);
    }

    @Override
    public void visitMaxs(int stack, int locals) {
      super.visitLabel(end);
      super.visitTryCatchBlock(start, end, end, null);
      Object[] frame = locals();
      super.visitFrame(Opcodes.F_NEW, frame.length, frame, 1, new Object[] {"java/lang/Throwable"});
      call("monitorExit");
      super.visitInsn(Opcodes.ATHROW);
      super.visitMaxs(stack, locals);
    }

    private Object[] locals() {
      List<Object> locals = new ArrayList<>();
      if (!isStatic) {
        locals.add(type);
      }
      for (Type argument : Type.getArgumentTypes(descriptor)) {
        locals.add(
            switch (argument.getSort()) {
              case Type.LONG -> Opcodes.LONG;
              case Type.DOUBLE -> Opcodes.DOUBLE;
              case Type.FLOAT -> Opcodes.FLOAT;
              case Type.ARRAY, Type.OBJECT -> argument.getInternalName();
              default -> Opcodes.INTEGER;
            });
      }
      return locals.toArray();
    }
  }
}
