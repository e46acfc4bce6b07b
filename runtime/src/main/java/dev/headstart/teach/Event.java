package dev.headstart.teach;

import java.util.Map;

/**
 * Something changed.
 *
 * @param type {@code head}, {@code samples}, {@code run} or {@code version}
 * @param head which head's
 * @param data what more there is to say, as JSON: strings, numbers, lists and maps
 */
public record Event(String type, String head, Map<String, Object> data) {}
