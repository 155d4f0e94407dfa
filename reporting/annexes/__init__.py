"""The annexes: facts, how they are gathered, and one definition each on top of reporting.tables."""
