"""Sealing of texts and the place of their keys: pure, no Django. docs/interviews.md says what is promised."""
