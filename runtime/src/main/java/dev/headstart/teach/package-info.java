/**
 * Teaching while serving. Labelled samples come in one by one; what goes out changes answers at
 * once (prototypes) and becomes versions by runs that wait for each other. {@link
 * dev.headstart.teach.SampleStore} and {@link dev.headstart.teach.RunLog} are what lasts; the
 * workspace implements them. {@link dev.headstart.teach.Teaching} is the way in; read {@code
 * TeachingTest} first.
 */
package dev.headstart.teach;
