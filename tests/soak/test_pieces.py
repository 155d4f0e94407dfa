"""Exports of many documents: killed while a piece is drawn, while all are merged; one piece that always fails."""

import random
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from reporting.models import Export, Part, Piece
from tests.soak import processes, verdicts
from tests.soak.arena import S, World, ask, claims, ended, fresh, seed, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]


def names_in(export: Export) -> list[str]:
    """Return what a zip holds."""
    with default_storage.open(export.file_key) as file, zipfile.ZipFile(file) as bundle:
        return bundle.namelist()


def bundles(place: World) -> list[Export]:
    """Ask for every branch's form in both formats and every sheet, each by somebody else."""
    maths = place.school.maths
    wanted = (("annex4", "pdf"), ("scoring_sheet", "xlsx"), ("scoring_sheet", "pdf"))
    return [ask(place, place.office(), maths, kind, form) for kind, form in wanted]


def test_kills_in_the_middle_of_pieces_draw_the_rest_and_merge_once(environment, tmp_path, injected):
    place, chance = world(40), random.Random(seed())
    hits: list[str] = []
    with working(environment, tmp_path, lease=8) as worker:
        asked = bundles(place)
        until(lambda: Export.objects.filter(state=S.DRAWING).exists(), 60, "planned")
        total = Part.objects.count()
        for part in sorted(chance.sample(range(5, 95), 8)):
            until(lambda part=part: Piece.objects.filter(state="done").count() >= total * part // 100, 200)
            hits.append(worker.kill(chance.choice(["child", "server", "member", "supervisor", "worker"]), chance))
        until(lambda: ended(asked), 300)
    rows = fresh(asked)
    assert verdicts.everything(rows) == []
    assert [row.note for row in rows] == ["", "", ""]
    assert [len(names_in(row)) for row in rows if row.format == "zip"] == [len(place.branches) + 3] * len(
        [row for row in rows if row.format == "zip"]
    )
    injected(f"8 kills ({', '.join(hits)}) while {total} pieces are drawn", "3 exports whole, each published once")


def merging(worker, export: Export) -> bool:
    """Whether an export is being put together now."""
    return Export.objects.filter(pk=export.pk, state=S.RUNNING, done__gt=0).exists() and bool(
        processes.drawing(worker.pid)
    )


@pytest.mark.parametrize("what", ["child", "worker"])
def test_a_kill_while_all_is_merged_merges_again_and_draws_nothing_twice(environment, tmp_path, injected, what):
    place, chance = world(40), random.Random(1)
    with working(environment, tmp_path, lease=6, faults="slow-merge") as worker:
        export = ask(place, place.office(), place.school.maths, "scoring_sheet", "xlsx")
        until(lambda: merging(worker, export), 200, "the merge begins")
        drawn = {pk: token for _, pk, token in claims() if _ == "piece"}
        tokens = dict(Piece.objects.values_list("pk", "token"))
        worker.kill(what, chance)
        until(lambda: ended([export]), 200)
    (row,) = fresh([export])
    assert drawn == {}
    assert verdicts.everything([row]) == []
    assert dict(Piece.objects.values_list("pk", "token")) == tokens, "pieces were drawn again"
    injected(f"{what} killed while 42 pieces are merged", f"merged at attempt {row.attempt}, no piece drawn twice")


def test_a_piece_that_always_crashes_is_named_and_the_others_come(environment, tmp_path, injected):
    place = world(3, "段错误", "中止")
    with working(environment, tmp_path, lease=10) as worker:
        members = worker.members()
        bad = ask(place, place.office(), place.school.letters, "annex4", "xlsx")
        good = ask(place, place.office(), place.school.maths, "annex4", "xlsx")
        until(lambda: ended([good]), 90)
        until(lambda: ended([bad]), 120)
        assert worker.members() == members
    bad, good = fresh([bad, good])
    assert verdicts.everything([bad, good]) == []
    assert len(names_in(bad)) == 1 + 2, "the index and the two sound ones"
    assert bad.note.startswith("缺 2 份："), bad.note
    assert "生成程序意外退出。（已尝试 3 次）" in bad.note
    assert Piece.objects.filter(state="failed").count() == 2
    injected("2 of 4 documents of a zip crash always", f"zip of the other 2 with a note: {bad.note[:60]}…")


def test_a_spoilt_and_a_lost_piece_are_drawn_again(environment, tmp_path, injected):
    """What is on the disk is compared before it is bound: a byte changed and a file gone are found."""
    place = world(6)
    with working(environment, tmp_path, lease=10):
        first = ask(place, place.office(), place.school.maths, "annex4", "xlsx")
        until(lambda: ended([first]), 90)
        spoilt, lost = Piece.objects.filter(state="done")[:2]
        with Path(default_storage.path(spoilt.file_key)).open("r+b") as file:
            file.seek(200)
            file.write(b"\0\0\0\0")
        default_storage.delete(lost.file_key)
        again = ask(place, place.office(), place.school.maths, "annex4", "xlsx")
        until(lambda: ended([again]), 120)
    assert verdicts.lost(fresh([first, again])) + verdicts.unsound(fresh([first, again])) == []
    assert len(names_in(fresh([again])[0])) == len(names_in(fresh([first])[0]))
    injected("a kept piece changed on the disk, another deleted", "found before the merge, drawn again, export whole")
