package io.sheepfs.sbd.nbd;

import io.netty.handler.ssl.SslContext;
import io.sheepfs.protocol.codec.ByteBudget;
import io.sheepfs.protocol.tls.AllowListFile;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What all connections of a server share.
 *
 * @param workers where requests block; their number is bounded by the connections, and by what each
 *     may have under way
 * @param quickObjects whether small reads and writes usually need not be waited for
 * @param tls what every client must speak; null if none may
 * @param allowed who may have which exports; null if all may have all
 */
record ServerCore(
    Exports exports,
    ServerLimits limits,
    ByteBudget budget,
    Executor workers,
    boolean quickObjects,
    @Nullable SslContext tls,
    @Nullable AllowListFile allowed) {}
