"""PostgreSQL cuts every connection, as a restart does: workers connect again and nothing is lost."""

import time

import pytest
from django.db import connection

from reporting.models import Export
from tests.soak import processes, verdicts
from tests.soak.arena import ask, ended, fresh, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
CUTS = 6


def cut_everybody() -> int:
    """End all connections to this database but this one; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_connections_cut_again_and_again_lose_nothing(environment, tmp_path, injected):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to cut")
    place, cut = world(30), 0
    with working(environment, tmp_path, lease=8) as worker:
        asked = [ask(place, place.office(), branch, form="pdf") for branch in place.branches]
        asked.append(ask(place, place.office(), place.school.maths))
        for number in range(CUTS):
            until(lambda number=number: Export.objects.filter(state="done").count() >= number * 4, 200)
            cut += cut_everybody()
            time.sleep(0.7)
        until(lambda: ended(asked), 240)
        assert processes.alive(worker.pid)
    assert verdicts.everything(fresh(asked)) == []
    injected(f"all connections to PostgreSQL cut {CUTS} times ({cut} in all)", "31 done once, same supervisor")
