"""Registers the lists of planning (branches.registries imports this module when all apps are loaded)."""

from interviews import lists_classes, lists_plan

__all__ = ["lists_classes", "lists_plan"]
