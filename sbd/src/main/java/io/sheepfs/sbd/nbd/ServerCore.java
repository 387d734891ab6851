package io.sheepfs.sbd.nbd;

import io.netty.handler.ssl.SslContext;
import io.sheepfs.protocol.codec.ByteBudget;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What all connections of a server share.
 *
 * @param workers where requests block; their number is bounded by the connections, and by what each
 *     may have under way
 * @param quickReads whether small reads usually need not be waited for
 * @param tls what every client must speak; null if none may
 */
record ServerCore(
    Exports exports,
    ServerLimits limits,
    ByteBudget budget,
    Executor workers,
    boolean quickReads,
    @Nullable SslContext tls) {}
