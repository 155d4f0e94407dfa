"""Forms of grading: parse and check what a person typed."""
