package dev.headstart.teach;

import java.util.Map;

/**
 * Something that happened in a run; see docs/http-api.md.
 *
 * @param id grows from event to event of a run
 * @param data as JSON: strings, numbers, lists and maps
 */
public record RunEvent(long id, String type, Map<String, Object> data) {}
