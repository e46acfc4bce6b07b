package dev.headstart.advise;

import com.fasterxml.jackson.annotation.JsonUnwrapped;

/**
 * What is recommended for some samples, and what is sick in them; as JSON the advice with the key
 * {@code report}.
 */
public record Advised(@JsonUnwrapped Advice advice, Checkup report) {}
