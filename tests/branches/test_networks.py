"""Where a request comes from, behind a known number of proxies."""

import ipaddress

import pytest
from django.test import RequestFactory

from branches.networks import client_address, on_campus

pytestmark = pytest.mark.unit

CAMPUS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")]


def request(remote, forwarded=""):
    given = {"REMOTE_ADDR": remote} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    return RequestFactory().get("/", **given)


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "address"),
    [
        (0, "203.0.113.9", "", "203.0.113.9"),
        (0, "203.0.113.9", "10.1.1.1", "203.0.113.9"),  # nobody stands before us: the header is the client's own
        (1, "127.0.0.1", "10.1.1.1", "10.1.1.1"),
        (1, "127.0.0.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),  # the first entry was forged by the client
        (2, "127.0.0.1", "10.9.9.9, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        (2, "127.0.0.1", "10.1.1.1", "10.1.1.1"),  # fewer proxies than told: no entry is left out of count
        (1, "127.0.0.1", "::ffff:10.1.1.1", "10.1.1.1"),
        (1, "127.0.0.1", "unknown", None),
        (0, "", "", None),
    ],
)
def test_only_our_own_proxies_count(settings, proxies, remote, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    found = client_address(request(remote, forwarded))
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.20.30.40", True), ("11.0.0.1", False), ("2001:db8::7", True), ("2001:db9::7", False), ("", False)],
)
def test_the_campus(settings, address, inside):
    settings.TRUSTED_PROXIES, settings.CAMPUS_NETWORKS = 0, CAMPUS
    assert on_campus(request(address)) is inside


def test_without_networks_everybody_is_let_in(settings):
    settings.CAMPUS_NETWORKS = []
    assert on_campus(request("203.0.113.9"))
    assert on_campus(request(""))
