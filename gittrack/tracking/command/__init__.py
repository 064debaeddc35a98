"""A command as a run: start it, pass on what it prints and what it is sent, keep what it did."""
