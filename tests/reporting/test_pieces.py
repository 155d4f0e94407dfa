"""Pieces: lease, token and attempts of their own; turns between exports; what is kept, reused and thrown away."""

import datetime as dt
import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from branches.models import Role
from reporting.database_time import database_now
from reporting.models import Export, Part, Piece
from reporting.services import jobs, leases, pieces, plans, requests, upkeep
from reporting.services.pieces import Drawn
from tests.factories.branches import holder, school
from tests.factories.reporting import ExportFactory, PartFactory, PieceFactory
from tests.worlds import shared

pytestmark = pytest.mark.django_db
E, S = Export.State, Piece.State
FILE = Drawn("pieces/201203/a.pdf", 3, "1" * 64, 2)


tree = shared(school)


@pytest.fixture
def office(tree):
    return holder(Role.OFFICE, tree.root)


def planned(office, tree, count: int = 3, **given) -> Export:
    """An export that waits for `count` pieces."""
    export = ExportFactory(owner=office, unit=tree.root, state=E.DRAWING, total=count, format="zip", **given)
    for number in range(1, count + 1):
        PartFactory(export=export, number=number, title=f"第{number}党支部")
    return export


def take() -> pieces.HeldPiece:
    (held,) = pieces.claim_run(1)
    return held


def lapse() -> None:
    Piece.objects.drawing().update(lease_until=database_now() - dt.timedelta(seconds=1))


def only(export: Export) -> Piece:
    return Piece.objects.get(parts__export=export)


# --- Lease, token, attempts -----------------------------------------------------------------------------------------


def test_a_piece_is_claimed_once(office, tree):
    planned(office, tree, 1)
    assert [len(pieces.claim_run()) for _ in range(3)] == [1, 0, 0]


def test_a_run_takes_at_most_what_is_allowed_and_of_one_export(office, tree):
    first, second = planned(office, tree, 3), planned(office, tree, 3)
    runs = [pieces.claim_run(2) for _ in range(4)]
    owners = [{Part.objects.get(piece=held.piece_id).export_id for held in run} for run in runs]
    assert [len(run) for run in runs] == [2, 2, 1, 1]
    assert owners == [{first.pk}, {second.pk}, {first.pk}, {second.pk}]


def test_a_small_export_asked_for_later_has_its_turn_after_one_run_of_the_long_one(office, tree):
    planned(office, tree, 50)
    pieces.claim_run()
    small = planned(office, tree, 1)
    assert Part.objects.get(piece=take().piece_id).export_id == small.pk


def test_who_lost_the_lease_can_neither_publish_nor_fail_nor_renew(office, tree):
    export = planned(office, tree, 1)
    old = take()
    lapse()
    assert pieces.reap() == 1
    Piece.objects.update(available_at=None)
    new = take()
    assert not pieces.renew([old])
    assert pieces.publish([(old, FILE)]) == [old]
    assert pieces.fail(old, "内存不足") == ""
    assert not pieces.release(old)
    assert pieces.publish([(new, FILE)]) == []
    assert new.token > old.token
    assert (only(export).state, only(export).file_key) == (S.DONE, FILE.key)


def test_control_without_the_token_the_old_drawing_would_be_published(office, tree, monkeypatch):
    export = planned(office, tree, 1)
    old = take()
    lapse()
    pieces.reap()
    Piece.objects.update(available_at=None)
    take()
    monkeypatch.setattr(pieces, "_mine", lambda held: Piece.objects.filter(pk=held.piece_id))
    assert pieces.publish([(old, FILE)]) == []
    assert only(export).state == S.DONE


def test_three_attempts_and_no_more(office, tree):
    export = planned(office, tree, 1)
    for attempt in (1, 2):
        held = take()
        assert held.attempt == attempt
        assert pieces.fail(held, "生成程序意外退出。") == S.WAITING
        assert pieces.claim_run() == [], "it waits a little first"
        Piece.objects.update(available_at=None)
    assert pieces.fail(take(), "生成程序意外退出。") == S.FAILED
    assert (only(export).error, only(export).work_key) == ("生成程序意外退出。（已尝试 3 次）", "")


def test_a_lapsed_lease_counts_and_a_stopping_worker_does_not(office, tree):
    export = planned(office, tree, 1)
    assert pieces.release(take())
    assert only(export).attempt == 0
    for _ in range(3):
        take()
        lapse()
        assert upkeep.reap() == 1
        Piece.objects.update(available_at=None)
    assert (only(export).state, only(export).error) == (S.FAILED, f"{leases.STALLED}（已尝试 3 次）")


def test_pieces_of_a_broken_run_are_taken_alone_so_that_three_kills_fail_one_of_them_at_most(office, tree):
    planned(office, tree, 3)
    assert len(pieces.claim_run(2)) == 2
    lapse()
    assert upkeep.reap() == 2
    Piece.objects.update(available_at=None)
    runs = [pieces.claim_run(2) for _ in range(4)]
    assert [[held.attempt for held in run] for run in runs] == [[1], [2], [2], []], "what is fresh comes first"
    lapse()
    upkeep.reap()
    Piece.objects.update(available_at=None)
    pieces.claim_run(2)
    lapse()
    upkeep.reap()
    assert sorted(Piece.objects.values_list("attempt", "state")) == [(2, S.WAITING), (2, S.WAITING), (2, S.WAITING)]


def test_progress_counts_what_is_settled_well_or_badly(office, tree):
    export = planned(office, tree, 3)
    first, second, third = pieces.claim_run()
    pieces.publish([(first, FILE), (second, FILE)])
    export.refresh_from_db()
    assert (export.done, export.total) == (2, 3)
    pieces.fail(third, "坏了", final=True)
    export.refresh_from_db()
    assert export.done == 3


def test_a_piece_drawn_for_one_export_serves_the_other(office, tree):
    first = planned(office, tree, 1)
    second = ExportFactory(owner=office, unit=tree.root, state=E.DRAWING, total=1)
    PartFactory(export=second, piece=only(first), number=1)
    pieces.publish([(take(), FILE)])
    assert set(Export.objects.drawn()) == {first, second}


# --- The export around them -----------------------------------------------------------------------------------------


def test_an_export_is_merged_when_its_last_piece_is_settled_and_not_before(office, tree):
    export = planned(office, tree, 2)
    one, other = pieces.claim_run()
    pieces.publish([(one, FILE)])
    assert jobs.claim(export.pk) is None
    assert jobs.next_claimable() is None
    pieces.fail(other, "坏了", final=True)
    assert jobs.next_claimable() == export.pk
    held = jobs.claim(export.pk)
    assert (held.attempt, jobs.claim(export.pk)) == (1, None)
    assert jobs.publish(held, jobs.Outcome("exports/1.zip", "附件4.zip", 3, "1" * 64, "2" * 64, "缺 1 份：甲：坏了"))
    export.refresh_from_db()
    assert (export.state, export.note, export.parts.count()) == (E.DONE, "缺 1 份：甲：坏了", 0)


def test_a_merge_that_failed_is_tried_again_without_drawing_anew(office, tree):
    export = planned(office, tree, 1)
    pieces.publish([(take(), FILE)])
    assert jobs.fail(jobs.claim(export.pk), "生成程序意外退出。") == E.DRAWING
    Export.objects.update(available_at=None)
    held = jobs.claim(export.pk)
    assert (held.attempt, only(export).state) == (2, S.DONE)
    assert jobs.release(held) == E.DRAWING


def test_a_worker_that_dies_merging_leaves_a_merge_for_the_next(office, tree):
    export = planned(office, tree, 1)
    pieces.publish([(take(), FILE)])
    for state in (E.DRAWING, E.DRAWING, E.FAILED):
        jobs.claim(export.pk)
        Export.objects.update(lease_until=database_now() - dt.timedelta(seconds=1))
        upkeep.reap()
        Export.objects.update(available_at=None)
        export.refresh_from_db()
        assert export.state == state
    assert not export.parts.exists()


def test_a_planned_export_takes_one_of_its_owners_places_however_many_pieces_it_has(office, tree):
    planned(office, tree, 30)
    running = ExportFactory(owner=office, unit=tree.root, state=E.RUNNING)
    third = ExportFactory(owner=office, unit=tree.root)
    assert jobs.claim(third.pk) is None
    assert jobs.next_claimable() is None
    other = ExportFactory(owner=holder(Role.OFFICE, tree.root), unit=tree.root)
    assert jobs.next_claimable() == other.pk
    running.delete()
    assert jobs.next_claimable() == third.pk


@pytest.mark.parametrize("way", ["cancel", "stop"])
def test_ending_a_planned_export_ends_it_at_once_and_takes_what_nobody_waits_for(office, tree, way):
    export, other = planned(office, tree, 3), ExportFactory(owner=office, unit=tree.root, state=E.DRAWING)
    drawn, shared = take(), Piece.objects.filter(state=S.WAITING).last()
    PartFactory(export=other, piece=shared, number=1)
    pieces.publish([(drawn, FILE)])
    if way == "cancel":
        assert requests.cancel(by=office, export=export).state == E.CANCELLED
    else:
        assert requests.stop(by=office, export=export, reason="系统维护") == E.FAILED
    assert {piece.pk for piece in Piece.objects.all()} == {drawn.piece_id, shared.pk}
    assert not export.parts.exists()


def test_a_piece_nobody_wants_any_more_is_given_up(office, tree):
    export = planned(office, tree, 1)
    held = take()
    assert pieces.look(held)
    requests.cancel(by=office, export=export)
    assert not pieces.look(held)
    assert pieces.release(held)
    assert pieces.expire() == 1


@pytest.mark.django_db(transaction=True)
def test_cancelling_does_not_wait_for_who_holds_a_piece_under_its_hands():
    """A claim of a run locks pieces and then writes their export: waiting for each other would be a deadlock."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite has one writer")
    tree = school()
    export = planned(holder(Role.OFFICE, tree.root), tree, 2)
    locked, ended = threading.Event(), threading.Event()

    def claiming():
        with transaction.atomic():
            list(Piece.objects.select_for_update().order_by("pk")[:1])
            locked.set()
            ended.wait(10)
        connection.close()

    other = threading.Thread(target=claiming)
    other.start()
    assert locked.wait(10)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        requests.cancel(by=export.owner, export=export)
    ended.set()
    other.join()
    assert Piece.objects.count() == 1, "the one that was held is left to the sweep"
    assert pieces.expire() == 1


def test_a_run_is_published_in_the_order_in_which_plans_lock(office, tree):
    planned(office, tree, 3)
    run = pieces.claim_run()
    for held, digest in zip(run, "cab", strict=True):
        Piece.objects.filter(pk=held.piece_id).update(digest=digest * 64)
    with CaptureQueriesContext(connection) as asked:
        assert pieces.publish([(held, FILE) for held in run]) == []
    (first, *_) = [one["sql"] for one in asked if "reporting_piece" in one["sql"]]
    assert first.startswith("SELECT")
    assert 'ORDER BY "reporting_piece"."digest" ASC' in first
    assert ("FOR UPDATE" in first) == connection.features.has_select_for_update


# --- Plans ----------------------------------------------------------------------------------------------------------


def drafts(*digests: str) -> list[plans.Draft]:
    return [plans.Draft(digest * 64, "pdf", f"{digest}党支部") for digest in digests]


def running(office, tree) -> tuple[Export, jobs.Claim]:
    export = ExportFactory(owner=office, unit=tree.root)
    return export, jobs.claim(export.pk)


def test_a_plan_makes_what_is_missing_and_uses_what_is_there(office, tree):
    PieceFactory(digest="a" * 64, state=S.DONE, used_at=database_now() - dt.timedelta(days=2))
    export, held = running(office, tree)
    assert plans.usable([d.digest for d in drafts("a", "b")]) == {"a" * 64}
    assert plans.write(held, drafts("a", "b"), {"b" * 64: "pieces/b.work"}, name="甲.zip", digest="d" * 64) == 1
    export.refresh_from_db()
    assert (export.state, export.done, export.total, export.attempt) == (E.DRAWING, 1, 2, 0)
    assert [(p.number, p.piece.state, p.title) for p in export.parts.order_by("number")] == [
        (1, S.DONE, "a党支部"), (2, S.WAITING, "b党支部"),
    ]  # fmt: skip
    assert Piece.objects.get(digest="a" * 64).used_at > database_now() - dt.timedelta(minutes=1)


def test_with_nothing_to_draw_the_claim_stays_for_the_merge(office, tree):
    PieceFactory(digest="a" * 64, state=S.DONE)
    _, held = running(office, tree)
    assert plans.write(held, drafts("a"), {}, name="甲.zip", digest="d" * 64) == 0
    assert jobs.look(held) == 1
    assert jobs.publish(held, jobs.Outcome("exports/1.zip", "甲.zip", 3, "1" * 64, "2" * 64))


def test_a_failed_piece_begins_anew_in_a_new_plan(office, tree):
    PieceFactory(digest="a" * 64, state=S.FAILED, attempt=3, error="坏了", work_key="")
    _, held = running(office, tree)
    assert plans.usable(["a" * 64]) == set()
    assert plans.write(held, drafts("a"), {"a" * 64: "pieces/a.work"}, name="甲.zip", digest="d" * 64) == 1
    piece = Piece.objects.get()
    assert (piece.state, piece.attempt, piece.error, piece.work_key) == (S.WAITING, 0, "", "pieces/a.work")


def test_a_piece_that_went_while_the_plan_was_made_is_noticed(office, tree):
    _, held = running(office, tree)
    with pytest.raises(plans.VanishedError):
        plans.write(held, drafts("a"), {}, name="甲.zip", digest="d" * 64)
    assert not Part.objects.exists()


@pytest.mark.parametrize("change", [{"token": 9}, {"cancel_requested": True}])
def test_a_plan_is_not_written_without_the_claim(office, tree, change):
    _, held = running(office, tree)
    Export.objects.update(**change)
    assert plans.write(held, drafts("a"), {"a" * 64: "pieces/a.work"}, name="甲.zip", digest="d" * 64) is None
    assert not Piece.objects.exists()


def test_planning_again_replaces_the_plan(office, tree):
    export, held = running(office, tree)
    PieceFactory(digest="a" * 64, state=S.DONE)
    plans.write(held, drafts("a"), {}, name="甲.zip", digest="d" * 64)
    plans.write(held, drafts("a", "a"), {}, name="甲.zip", digest="d" * 64)
    assert [part.number for part in export.parts.order_by("number")] == [1, 2]
    plans.tear_up(held)
    assert jobs.fail(held, "部分内容已失效，正在重新生成。") == E.QUEUED


# --- Upkeep ---------------------------------------------------------------------------------------------------------


def test_pieces_go_when_nobody_used_them_for_their_time(office, tree, settings):
    old = database_now() - dt.timedelta(hours=settings.PIECE_TTL_HOURS, minutes=1)
    PieceFactory(state=S.DONE, used_at=old)
    PieceFactory(state=S.FAILED, used_at=old, work_key="")
    kept = {PieceFactory(state=S.DONE).pk, PieceFactory(state=S.DRAWING, used_at=old).pk}
    kept.add(PartFactory(piece=PieceFactory(state=S.DONE, used_at=old)).piece_id)
    upkeep.expire()
    assert set(Piece.objects.values_list("pk", flat=True)) == kept


def test_a_piece_published_while_the_store_is_listed_is_not_thought_lost(office, tree, monkeypatch):
    listing = upkeep._stored

    def published_behind(folder=upkeep.FOLDER):
        found = list(listing(folder))
        if folder == upkeep.PIECES:
            key = default_storage.save("pieces/201203/new.pdf", ContentFile(b"%PDF"))
            PieceFactory(state=S.DONE, file_key=key, digest="a" * 64)
        return found

    monkeypatch.setattr(upkeep, "_stored", published_behind)
    assert upkeep.sweep() == (0, 0)
    assert Piece.objects.get().digest == "a" * 64


def test_waiting_pieces_are_announced_while_workers_stand_idle(office, tree, monkeypatch, settings):
    told = []
    monkeypatch.setattr(upkeep, "nudge", lambda pk: told.append(pk) or "")
    export = planned(office, tree, 3)
    upkeep.announce_waiting()
    upkeep.announce_waiting()
    assert told == [export.pk]
    settings.EXPORT_NUDGE_SECONDS = -1
    settings.HEAVY_WORKERS = 1
    run = pieces.claim_run()
    upkeep.announce_waiting()
    assert told == [export.pk], "everybody draws"
    pieces.publish([(held, FILE) for held in run])
    upkeep.announce_waiting()
    assert told == [export.pk] * 2, "it may be merged"


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "lost"},
        {"format": "zip"},
        {"state": S.DRAWING},
        {"state": S.DONE},
        {"work_key": ""},
        {"attempt": 4},
    ],
)
def test_the_database_refuses_impossible_pieces(wrong):
    piece = PieceFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Piece.objects.filter(pk=piece.pk).update(**wrong)


def test_the_database_refuses_impossible_parts_and_plans(office, tree):
    part = PartFactory()
    for wrong in ({"number": part.number}, {"number": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PartFactory(export=part.export, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        PieceFactory(digest=part.piece.digest)
    with pytest.raises(IntegrityError), transaction.atomic():
        Export.objects.filter(pk=part.export_id).update(file_name="")
