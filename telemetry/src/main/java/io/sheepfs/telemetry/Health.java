package io.sheepfs.telemetry;

/**
 * Whether a daemon can do its work.
 *
 * @param well whether it can
 * @param text one line for people
 */
public record Health(boolean well, String text) {}
