"""From an order to a file: what can be asked for, its facts, its pieces, and putting them together."""
