"""URLs of rectification: plans, items, supervision, boards."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
