"""Writes on exports: requests of people, the steps of a worker, and upkeep."""
