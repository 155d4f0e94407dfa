"""Sealed ballots without Django: codes, sealing, where keys lie, and what of the count may be told (ADR 0017)."""
