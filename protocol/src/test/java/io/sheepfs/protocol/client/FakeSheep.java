package io.sheepfs.protocol.client;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiBitmap;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.codec.RequestDecoder;
import io.sheepfs.protocol.codec.RequestFrame;
import io.sheepfs.protocol.codec.ResponseEncoder;
import io.sheepfs.protocol.codec.ResponseFrame;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A sheep that serves a {@link MemoryCluster} on the loopback; each connection is a session. */
final class FakeSheep implements AutoCloseable {

  private static final long MAX_BODY_BYTES = 16 << 20;

  private final MemoryCluster cluster;
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final ExecutorService workers = Executors.newCachedThreadPool();
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Channel listener;
  private final AtomicInteger served = new AtomicInteger();
  private final AtomicInteger leases = new AtomicInteger();
  private final List<Integer> writtenUnder = new CopyOnWriteArrayList<>();
  private volatile boolean givesLeases;
  private volatile Predicate<RequestHeader> swallow = request -> false;
  private volatile boolean hangUpBeforeAnswer;
  private volatile @Nullable Tampering tampering;

  /** Sends an answer in its own way, on the event loop. */
  interface Tampering {
    void send(Channel channel, byte[] answer);
  }

  FakeSheep(MemoryCluster cluster, int port) {
    this.cluster = cluster;
    this.listener =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    connections.add(channel);
                    channel
                        .pipeline()
                        .addLast(new RequestDecoder(MAX_BODY_BYTES))
                        .addLast(new ResponseEncoder())
                        .addLast(new Tamperer())
                        .addLast(new Session());
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), port)
            .syncUninterruptibly()
            .channel();
  }

  InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** Hangs up after carrying out a request of that kind, without an answer to it. */
  void hangUpAfter(Predicate<RequestHeader> requests) {
    swallow = requests;
    hangUpBeforeAnswer = true;
  }

  /** Carries requests of a kind out, but never answers them. */
  void keepSilentAfter(Predicate<RequestHeader> requests) {
    swallow = requests;
    hangUpBeforeAnswer = false;
  }

  /** Leaves it to {@code way} to send the answers from now on; null for the usual way. */
  void tamper(@Nullable Tampering way) {
    tampering = way;
  }

  /** Tells a generation with each lock from now on, but refuses nothing. */
  void giveLeases() {
    givesLeases = true;
  }

  /** The generations in the WRITE_OBJs under a lease that were carried out. */
  List<Integer> writtenUnder() {
    return writtenUnder;
  }

  /** How many requests were carried out. */
  int served() {
    return served.get();
  }

  void hangUp() {
    connections.close().awaitUninterruptibly();
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    hangUp();
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    workers.shutdownNow();
  }

  private final class Tamperer extends ChannelOutboundHandlerAdapter {
    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
      Tampering way = tampering;
      if (way == null || !(message instanceof ResponseFrame frame)) {
        ChannelFuture unused = ctx.write(message, promise);
        return;
      }
      ByteBuffer bytes =
          ByteBuffer.allocate(HeaderLayout.SIZE_BYTES + frame.content().readableBytes());
      frame.header().encode(bytes);
      frame.content().readBytes(bytes);
      frame.release();
      way.send(ctx.channel(), bytes.array());
      promise.setSuccess();
    }
  }

  private final class Session extends SimpleChannelInboundHandler<RequestFrame> {

    private final MemoryCluster session = cluster.newSession();
    private @Nullable VdiLock lock;

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, RequestFrame frame) {
      ByteBuffer body = ByteBuffer.allocate(frame.content().readableBytes());
      frame.content().readBytes(body);
      RequestHeader request = frame.header();
      workers.execute(
          () -> {
            ResponseFrame answer = answer(request, body.flip());
            served.incrementAndGet();
            if (!swallow.test(request)) {
              ctx.writeAndFlush(answer).awaitUninterruptibly();
            } else if (hangUpBeforeAnswer) {
              swallow = again -> false;
              ctx.close().awaitUninterruptibly();
            }
          });
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws IOException {
      session.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close().addListener(closed -> {});
    }

    private ResponseFrame answer(RequestHeader request, ByteBuffer body) {
      try {
        return carryOut(request, body);
      } catch (SheepException e) {
        return frame(request, e.result(), new ResponseFields.None(), ByteBuffer.allocate(0));
      } catch (IllegalArgumentException e) {
        return frame(
            request, ResultCode.INVALID_PARMS, new ResponseFields.None(), ByteBuffer.allocate(0));
      }
    }

    private ResponseFrame carryOut(RequestHeader request, ByteBuffer body) throws SheepException {
      Opcode opcode = request.opcode();
      if (opcode == null) {
        throw new SheepException(ResultCode.INVALID_PARMS, request.toString());
      }
      ByteBuffer result = ByteBuffer.allocate(0);
      switch (opcode) {
        case READ_OBJ -> {
          result = ByteBuffer.allocate((int) request.dataLength());
          session.objects().read(request.obj().objectId(), request.obj().offset(), result);
          result.flip();
        }
        case WRITE_OBJ -> {
          RequestFields.Obj obj = request.obj();
          if (request.has(RequestFlags.LEASE)) {
            writtenUnder.add(obj.targetEpoch());
          }
          session.objects().write(obj.objectId(), obj.offset(), body, durability(request));
        }
        case CREATE_AND_WRITE_OBJ -> create(request, body);
        case REMOVE_OBJ -> session.objects().remove(request.obj().objectId());
        case FLUSH_VDI -> session.objects().flush(request.obj().objectId().vid());
        case READ_VDIS ->
            result = VdiBitmap.of(session.vdis().list().stream().map(VdiInfo::vid)).encode();
        case GET_VDI_INFO -> {
          return vdi(request, lookup(request, body));
        }
        case NEW_VDI -> {
          return vdi(request, newVdi(request.vdi(), name(body)));
        }
        case LOCK_VDI -> {
          lock = session.lockOnly(name(body)); // marks are the clients' business
          int generation = givesLeases ? leases.incrementAndGet() : 0;
          return vdi(request, lock.vdi(), generation);
        }
        case RELEASE_VDI -> {
          if (lock != null) {
            lock.close();
          }
        }
        case DEL_VDI -> {
          VdiInfo info = lookup(request, body);
          if (info.isSnapshot()) {
            session.vdis().delete(info.name(), SnapshotSelector.id(info.snapshotId()));
          } else {
            session.vdis().delete(info.name());
          }
        }
        case GET_CLUSTER_DEFAULT -> {
          return frame(
              request, ResultCode.SUCCESS, new ResponseFields.ClusterDefault(1, 0, 22), result);
        }
        default -> throw new SheepException(ResultCode.INVALID_PARMS, request.toString());
      }
      return frame(request, ResultCode.SUCCESS, new ResponseFields.None(), result);
    }

    private void create(RequestHeader request, ByteBuffer body) throws SheepException {
      RequestFields.Obj obj = request.obj();
      if (request.has(RequestFlags.COW)) {
        session
            .objects()
            .createCopy(obj.objectId(), obj.cowObjectId(), obj.offset(), body, durability(request));
      } else {
        session.objects().create(obj.objectId(), obj.offset(), body, durability(request));
      }
    }

    private VdiInfo newVdi(RequestFields.Vdi fields, VdiName name) throws SheepException {
      if (fields.baseVdiId() == 0) {
        return session
            .vdis()
            .create(name, new VdiSpec(fields.vdiSize(), fields.copies(), fields.blockSizeShift()));
      }
      VdiId base = new VdiId(fields.baseVdiId());
      if (fields.snapshotId() == 0) {
        return session.vdis().cloneSnapshot(base, name);
      }
      ByteBuffer tag = ByteBuffer.allocate(InodeLayout.TAG_BYTES);
      session.objects().read(ObjectId.inode(base), InodeLayout.TAG, tag);
      return session.vdis().snapshot(name, new SnapshotTag(text(tag.array())));
    }

    private VdiInfo lookup(RequestHeader request, ByteBuffer body) throws SheepException {
      VdiNameRecord record = VdiNameRecord.decode(body);
      VdiName name = new VdiName(text(record.name()));
      byte[] tag = record.tag();
      if (tag != null && tag.length > 0) {
        return session.vdis().lookup(name, SnapshotSelector.tag(text(tag)));
      }
      int id = request.vdi().snapshotId();
      return id == 0
          ? session.vdis().lookup(name)
          : session.vdis().lookup(name, SnapshotSelector.id(id));
    }

    private ResponseFrame vdi(RequestHeader request, VdiInfo info) {
      return vdi(request, info, 0);
    }

    private ResponseFrame vdi(RequestHeader request, VdiInfo info, int generation) {
      return frame(
          request,
          ResultCode.SUCCESS,
          new ResponseFields.Vdi(
              info.vid().value(), generation, info.copies(), info.blockSizeShift()),
          ByteBuffer.allocate(0));
    }
  }

  private static ResponseFrame frame(
      RequestHeader request, ResultCode result, ResponseFields fields, ByteBuffer body) {
    return new ResponseFrame(
        ResponseHeader.to(request, 1, result, body.remaining(), fields),
        Unpooled.wrappedBuffer(body));
  }

  private static Durability durability(RequestHeader request) {
    return request.has(RequestFlags.CACHE) ? Durability.UNSTABLE : Durability.STABLE;
  }

  private static VdiName name(ByteBuffer body) {
    return new VdiName(text(VdiNameRecord.decode(body).name()));
  }

  private static String text(byte[] padded) {
    String text = new String(padded, StandardCharsets.UTF_8);
    int end = text.indexOf('\0');
    return end < 0 ? text : text.substring(0, end);
  }
}
