"""Forms: parse and check what a person typed; every message is a Chinese sentence."""
