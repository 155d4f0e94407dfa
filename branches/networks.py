"""Where a request comes from: the client's address behind a known number of proxies, and whether that is the campus."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> Address | None:
    """Return the client's address. Only as many entries of X-Forwarded-For count as there are trusted proxies.

    A client can write anything to the left of what our own proxies add, so entries are counted from the right.
    """
    hops = [entry.strip() for entry in request.headers.get("X-Forwarded-For", "").split(",") if entry.strip()]
    chain = [*hops, request.META.get("REMOTE_ADDR", "")]
    wanted = chain[-1 - min(settings.TRUSTED_PROXIES, len(chain) - 1)]
    try:
        found = ipaddress.ip_address(wanted)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def on_campus(request: HttpRequest) -> bool:
    """Tell whether a request comes from a campus network; without networks in the settings everybody's does."""
    if not settings.CAMPUS_NETWORKS:
        return True
    address = client_address(request)
    return address is not None and any(address in network for network in settings.CAMPUS_NETWORKS)
