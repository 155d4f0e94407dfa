"""Writes of grading: each function names its actor, is atomic, and leaves its audit entry in the same transaction."""
