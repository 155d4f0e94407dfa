"""Every sealed field by name. What is not listed here is not sealed; tests/interviews plants a canary in each."""

FIELDS: dict[str, tuple[str, ...]] = {
    "interview": ("text", "problems", "sensitive", "place"),
    "matter": ("text", "result"),
    "emergency": ("facts", "outcome"),
}
