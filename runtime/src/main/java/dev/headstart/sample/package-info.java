/**
 * What a user brings. A path comes in (a folder of classes, a {@code .jsonl}, a {@code .csv});
 * samples with their labels go out one at a time, and with them what could not be read and why.
 * Nothing is decoded here: that is {@code preprocess}. Read {@code DataSetTest} first.
 */
package dev.headstart.sample;
