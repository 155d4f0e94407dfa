"""What every page's frame needs: navigation, roles, the name of the campaign."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from branches import clock
from branches.models import Campaign
from branches.permissions import Action, roles, scope
from branches.registries import nav_items


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Return `nav` (label, url, current), `my_roles`, `campaign_name`, `today` and `demo` for the base template."""
    user = getattr(request, "user", None)
    shared = {"demo": settings.DEMO, "today": clock.today()}
    if user is None or not user.is_authenticated:
        return {**shared, "nav": [], "my_roles": [], "campaign_name": ""}
    items = [item for item in nav_items() if scope(user, Action(item.action))]
    prefixes = [(prefix, item) for item in items for prefix in (item.prefix, *item.also)]
    found = [(len(prefix), item) for prefix, item in prefixes if _is_current(request.path, prefix)]
    here = max(found, key=lambda pair: pair[0])[1] if found else None
    nav = [{"label": one.label, "url": reverse(one.url_name), "current": one is here} for one in items]
    newest = Campaign.objects.order_by("-year", "-pk").values_list("short_name", "name").first()
    name = (newest[0] or newest[1]) if newest else "党支部分类定级"
    return {**shared, "nav": nav, "my_roles": roles(user), "campaign_name": name}


def _is_current(path: str, prefix: str) -> bool:
    return path == "/" if prefix == "/" else path.startswith(prefix)
