/** Certificates of clients and servers. */
@NullMarked
package io.sheepfs.protocol.tls;

import org.jspecify.annotations.NullMarked;
