"""Writes of the organisation app: one keyword-only, atomic function per thing done, naming its actor."""
