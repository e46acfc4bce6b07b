/**
 * Teaching while serving. Labelled samples come in one by one; what goes out changes answers at
 * once (prototypes) and becomes versions by runs that wait for each other. {@link
 * dev.headstart.teach.SampleStore} and {@link dev.headstart.teach.RunLog} are what lasts; the
 * workspace implements them. {@link dev.headstart.teach.Teaching} is the way in, {@link
 * dev.headstart.teach.Runs} the queue of trainings and {@code RunExecution} one of them; read
 * {@code TeachingTest} first, then {@code RunsTest}.
 */
package dev.headstart.teach;
