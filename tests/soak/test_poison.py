"""Documents that always crash: they fail readably after three attempts and hold nobody up."""

import time

import pytest

from reporting.models import Export, WorkerHeartbeat
from tests.soak import verdicts
from tests.soak.arena import S, World, ask, ended, fresh, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
LIMITS = {"EXPORT_TIME_LIMIT_SECONDS": "6", "EXPORT_MEMORY_MB": "900"}
POISON = {
    "段错误": "生成程序意外退出。",
    "中止": "生成程序意外退出。",
    "吃内存": "内存不足，没能生成。",
    "死循环": "分钟没有进展，已停止。",
    "报错": "生成时出错（ValueError）",
}


def good(place: World, count: int) -> list[Export]:
    """Return exports of sound documents, five to a person."""
    asked, person = [], place.office()
    for number, branch in enumerate(place.branches[:count]):
        if number % 5 == 0:
            person = place.office()
        asked.append(ask(place, person, branch))
    return asked


def seconds_for(environment, folder, place: World, bad: list[str]) -> tuple[float, list[Export], list[Export]]:
    """Make 45 sound documents, those in `bad` asked for first; returns how long the sound ones took."""
    folder.mkdir()
    with working(environment, folder, lease=10, **LIMITS) as worker:
        members = worker.members()
        poison = [ask(place, place.office(), place.bad[word]) for word in bad]
        began = time.monotonic()
        sound = good(place, 45)
        until(lambda: ended(sound), 300)
        took = time.monotonic() - began
        until(lambda: ended(poison), 120)
        assert worker.members() == members
        assert WorkerHeartbeat.objects.get(pid=worker.pid).restarts == 0
    return took, sound, poison


def test_five_documents_that_always_crash_do_not_delay_the_other_forty_five(environment, tmp_path, injected):
    place = world(45, *POISON)
    alone, sound, _ = seconds_for(environment, tmp_path / "a", place, [])
    assert verdicts.everything(fresh(sound)) == []
    Export.objects.all().delete()
    took, sound, poison = seconds_for(environment, tmp_path / "b", place, list(POISON))
    assert verdicts.lost(fresh(sound)) + verdicts.unsound(fresh(sound)) + verdicts.twice(fresh(sound)) == []
    assert verdicts.unknown() == []
    for row, sentence in zip(fresh(poison), POISON.values(), strict=True):
        assert (row.state, row.attempt) == (S.FAILED, 3)
        assert sentence in row.error, row.error
    # Three attempts of an endless loop hold one of two workers for three times the limit; nothing else may cost time.
    assert took < alone * 1.5 + 3 * int(LIMITS["EXPORT_TIME_LIMIT_SECONDS"])
    injected(
        "segfault, abort, memory hog, endless loop and exception among 45 sound documents",
        f"45 done in {took:.0f} s (alone {alone:.0f} s); 5 failed readably after 3 attempts; same Celery workers",
    )


def test_fifty_segfaults_leave_the_worker_alive(environment, tmp_path, injected):
    place = world(1, "段错误")
    with working(environment, tmp_path, lease=10) as worker:
        members = worker.members()
        crashes = 0
        while crashes < 50:
            rows = [ask(place, place.office(), place.bad["段错误"], form=form) for form in ("xlsx", "pdf") * 3]
            until(lambda rows=rows: ended(rows), 200)
            assert {row.state for row in fresh(rows)} == {S.FAILED}
            crashes += sum(row.attempt for row in fresh(rows))
        sound = [ask(place, place.office(), place.branches[0])]
        until(lambda: ended(sound), 60)
        assert verdicts.lost(fresh(sound)) + verdicts.unsound(fresh(sound)) == []
        assert worker.members() == members
        assert WorkerHeartbeat.objects.get(pid=worker.pid).restarts == 0
    assert verdicts.unknown() == []
    injected(f"the drawing process segfaults {crashes} times in a row", "same workers, 0 restarts, next file made")
