package io.sheepfs.fuse.tree;

/**
 * What the files in config/ show.
 *
 * @param pageCache {@code off}, {@code on} or {@code writeback}
 * @param objectCache {@code off}, or how it works
 * @param sheep where the cluster is: {@code HOST:PORT}, or the folder of the embedded store
 */
public record MountSettings(String pageCache, String objectCache, String sheep) {}
