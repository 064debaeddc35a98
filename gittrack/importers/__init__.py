"""Runs of other trackers, taken in with their ids, times and histories: a reader each, one writer for all."""
