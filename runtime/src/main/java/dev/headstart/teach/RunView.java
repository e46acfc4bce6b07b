package dev.headstart.teach;

import java.util.List;

/**
 * A run as it goes.
 *
 * @param stage that it is in; null where it does not run
 * @param eta seconds until it is over, at most: early stopping may end it sooner; null if that is
 *     not known
 * @param epochs that are done
 */
public record RunView(Run run, String stage, Double eta, List<RunLog.LoggedEpoch> epochs) {}
