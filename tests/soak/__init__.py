"""Fault tests of the jobs: what is broken on purpose, and what must come out all the same (`make soak`)."""
