"""URLs of talks (两访两创)."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
