"""A made-up university with a campaign under way: deterministic, with invented names."""
