"""A problem goes to who handles it in a text of its own, comes back answered, and the person is told."""

import datetime as dt
import io
import re

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from branches import clock
from branches.directory import names_of
from branches.models import AuditDetail
from branches.permissions import Action, scope
from branches.transitions import IllegalMoveError
from interviews.coverage import shown
from interviews.lists_record import summary_rows
from interviews.matter_figures import by_unit_and_category, kept, total
from interviews.models import Matter, MatterCategory, Reader
from interviews.services import erasure, interviews, matters, sealed
from interviews.services.errors import NotReadableError, RefusedError
from tests.factories.interview_matters import MatterCategoryFactory, MatterFactory
from tests.interviews import follow, talks
from tests.interviews.follow import released
from tests.worlds import shared

world = shared(follow.world)


def opened(account, row):
    return sealed.open_record(by=account, record=row.record, now=clock.now()).texts


def answered(world, **given):
    row = released(world, **given)
    matters.accept(by=row.owner, matter=row, now=clock.now())
    return matters.answer(by=row.owner, matter=row, outcome="solved", result="已换灯。", now=clock.now())


@pytest.mark.once
def test_the_owner_reads_the_problem_and_nothing_of_the_talk(world):
    row = released(world)
    assert opened(world.handler, row)["text"] == "三号楼二层的灯坏了。"
    with pytest.raises(NotReadableError):
        interviews.read_interview(by=world.handler, interview=row.interview, now=clock.now())
    with pytest.raises(NotReadableError):
        opened(world.base.office, row)
    assert not AuditDetail.objects.filter(after__icontains="灯坏了").exists()


@pytest.mark.db
def test_from_hand_to_hand_until_the_person_is_told(world):
    row = answered(world)
    now = clock.now()
    assert opened(world.base.interviewer, row) == {"text": "三号楼二层的灯坏了。", "result": "已换灯。"}
    again = matters.ask_again(by=world.base.interviewer, matter=row, reason="又坏了", now=now)
    assert (again.state, again.outcome, again.answered_at) == ("in_hand", "", None)
    row = matters.answer(by=world.handler, matter=again, outcome="unsolved", result="等暑期改造。", now=now)
    row = matters.tell(by=world.base.interviewer, matter=row, told_on=now.date(), now=now)
    assert (row.state, row.outcome, row.told_on) == ("told", "unsolved", now.date())
    with pytest.raises(NotReadableError):
        opened(world.handler, row)


@pytest.mark.once
def test_a_returned_problem_goes_to_somebody_else(world):
    now, row = clock.now(), released(world)
    back = matters.send_back(by=world.handler, matter=row, reason="不归我管", now=now)
    with pytest.raises(NotReadableError):
        opened(world.handler, back)
    row = matters.reassign(by=world.base.interviewer, matter=back, owner=world.duty, due_on=now.date(), now=now)
    assert (row.state, row.owner) == ("released", world.duty)
    assert opened(world.duty, row)["text"] == "三号楼二层的灯坏了。"


@pytest.mark.once
def test_only_who_it_belongs_to_moves_it(world):
    now, row, mine = clock.now(), released(world), world.base.interviewer
    for wrong in (
        lambda: matters.accept(by=mine, matter=row, now=now),
        lambda: matters.withdraw(by=world.handler, matter=row, reason="不办", now=now),
        lambda: matters.answer(by=world.handler, matter=row, outcome="solved", result="好", now=now),
        lambda: released(world, text="  "),
        lambda: released(world, owner=world.base.administrator),
        lambda: released(world, due_on=now.date() - dt.timedelta(days=1)),
        lambda: released(world, interview=talks.recorded(world.base, by=world.base.colleague)),
        lambda: matters.tell(by=mine, matter=answered(world), told_on=now.date() + dt.timedelta(days=1), now=now),
    ):
        with pytest.raises(RefusedError):
            wrong()
    with pytest.raises(IllegalMoveError):
        matters.withdraw(by=mine, matter=row, reason=" ", now=now)


@pytest.mark.once
def test_numbers_run_through_the_year(world):
    assert [released(world).number for _ in range(3)] == [1, 2, 3]


@pytest.mark.db
def test_the_year_is_counted_by_unit_and_category(world):
    day = clock.today()
    kept = {"interview": released(world).interview, "category": world.category, "campaign": world.base.campaign}
    done = {"answered_at": clock.now(), "outcome": "solved"}
    late = day - dt.timedelta(days=2)
    MatterFactory(**kept, state="in_hand", due_on=late, number=11)
    MatterFactory(**kept, state="answered", number=12, **done)
    MatterFactory(**kept, state="told", told_on=day, number=13, **done | {"outcome": "unsolved"})
    MatterFactory(**kept, state="withdrawn", due_on=late, number=14)
    other = MatterCategoryFactory(campaign=world.base.campaign, code="teaching")
    MatterFactory(**kept | {"category": other}, number=15)
    rows = by_unit_and_category(Matter.objects.filter(campaign=world.base.campaign), day).order_by("pk")
    names = ("raised", "solved", "unsolved", "pending", "late", "told")
    # 后勤: one just released, one late in hand, one solved, one not and told; the withdrawn one counts nowhere.
    assert [[getattr(row, name) for name in names] for row in rows] == [[4, 1, 1, 2, 1, 1], [1, 0, 0, 1, 0, 0]]
    year = total(Matter.objects.all(), day)
    assert [getattr(year, name) for name in names] == [5, 1, 1, 3, 1, 1]


@pytest.mark.once
def test_the_office_sees_figures_and_no_word(world, signed_in):
    answered(world)
    client = signed_in(world.base.office)
    pages = [client.get(reverse(name)).content.decode() for name in ("matter-summary", "matters")]
    assert ["后勤保障" in page for page in pages] == [True, False]  # the ledger names neither unit nor category
    assert all("灯" not in page for page in pages)
    sheet = client.post(reverse("matter-summary"), {"format": "xlsx"})
    assert sheet["Content-Type"].endswith("spreadsheetml.sheet")


@pytest.mark.once
def test_small_counts_of_unit_and_category_are_hidden_and_so_is_what_gives_them_away(world, signed_in):
    first = released(world)
    given = {"interview": first.interview, "campaign": world.base.campaign}
    many, some, few = (MatterCategoryFactory(campaign=world.base.campaign, code=code) for code in ("a1", "b1", "c1"))
    number = 20
    for category, times in ((many, 9), (some, 6), (few, 2)):
        for _ in range(times):
            number += 1
            MatterFactory(**given, category=category, number=number)
    keep = kept(world.base.campaign, clock.today())
    unit = first.unit_id
    # 1 + 2 are small; 9 + 6 of 18 leave 3, so one of the two larger goes too: the smaller one.
    assert keep.raised == {(), (unit,), (unit, many.pk)}
    page = signed_in(world.base.office).get(reverse("matter-summary"))
    figures = [row["raised"] for row in summary_rows(page.context["list"].rows.object_list, keep)]
    assert sorted(figures, key=str) == [9, None, None, None]
    assert page.content.decode().count("＊") > 3


def several(world, category, times, begin):
    given = {"interview": talks.recorded(world.base), "campaign": world.base.campaign, "category": category}
    return [MatterFactory(**given, number=begin + number) for number in range(times)]


def sensitive_world(world, sensitive, plain):
    """Return what may be shown with so many problems of a sensitive category, and of another in the same unit."""
    hardship = MatterCategory.objects.get(campaign=world.base.campaign, code="hardship")
    other = MatterCategory.objects.get(campaign=world.base.campaign, code="teaching")
    rows = [*several(world, hardship, sensitive, 100), *several(world, other, plain, 200)]
    return kept(world.base.campaign, clock.today()), hardship, other, rows[-1].unit_id


@pytest.mark.once
def test_sensitive_problems_stand_in_no_ledger_and_no_figure_less_the_ledger_counts_them(world, signed_in):
    keep, _, other, unit = sensitive_world(world, sensitive=3, plain=8)
    # 8 rows of the ledger are counted by whoever looks: 11 of the whole or of the unit would leave 3.
    assert keep.raised == {(unit, other.pk)}
    for account in (world.base.office, world.base.officer):
        client = signed_in(account)
        ledger, summary = (client.get(reverse(name)) for name in ("matters", "matter-summary"))
        assert {row.category for row in ledger.context["list"].rows.object_list} == {other}
        assert "不列在这里，只有交办人和承办人看得到" in ledger.content.decode()
        assert [row.category for row in summary.context["list"].rows.object_list] == [other]
        assert "不足 5 个时连类别也不列" in summary.content.decode()
        assert summary.context["year"]["raised"] is None
        for name in ("matters", "matter-summary"):
            for kind in ("xlsx", "csv"):
                content = client.post(reverse(name), {"format": kind}).content
                book = openpyxl.load_workbook(io.BytesIO(content)) if kind == "xlsx" else None
                cells = [str(c.value) for r in book.active.iter_rows() for c in r] if book else [content.decode()]
                assert not any("生活困难" in cell or "第 10" in cell for cell in cells)


@pytest.mark.once
def test_without_knowing_of_the_ledger_the_total_would_give_them_away(world, monkeypatch):
    monkeypatch.setattr("interviews.matter_figures.shown", lambda *given: shown(*given[:3]))
    keep, _, _, unit = sensitive_world(world, sensitive=3, plain=8)
    assert {(), (unit,)} <= keep.raised  # the control: 11 less the 8 rows of the ledger are the 3


@pytest.mark.once
def test_enough_sensitive_problems_are_counted_but_not_listed(world, signed_in):
    keep, hardship, other, unit = sensitive_world(world, sensitive=6, plain=8)
    assert keep.raised == {(), (unit,), (unit, other.pk), (unit, hardship.pk)}
    client = signed_in(world.base.office)
    assert len(client.get(reverse("matters")).context["list"].rows.object_list) == 8
    assert len(client.get(reverse("matter-summary")).context["list"].rows.object_list) == 2


@pytest.mark.once
@pytest.mark.parametrize("number", [1, 3])
def test_the_lists_ask_as_much_for_three_rows_as_for_one(world, signed_in, django_assert_num_queries, number):
    for _ in range(number):
        released(world)
    client = signed_in(world.base.office)
    client.get(reverse("matter-summary"))
    for name, queries in (("matter-summary", 12), ("matters", 12)):
        with django_assert_num_queries(queries):
            client.get(reverse(name))


@pytest.mark.once
def test_the_page_leads_from_release_to_answer(world, signed_in):
    interview, day = talks.recorded(world.base), clock.today() + dt.timedelta(days=4)
    mine = signed_in(world.base.interviewer)
    data = {"category": world.category.pk, "owner": world.handler.pk, "due_on": day.isoformat(), "text": "灯坏了。"}
    empty = mine.post(reverse("matter-new", args=[interview.pk]), data | {"text": ""})
    assert (empty.status_code, "请填写问题。" in empty.content.decode()) == (422, True)
    mine.post(reverse("matter-new", args=[interview.pk]), data)
    row = Matter.objects.get()
    move = reverse("matter-move", args=[row.pk])
    hand = signed_in(world.handler)
    assert "受理实际问题" in hand.get("/").content.decode()
    hand.post(move, {"do": "accept"})
    assert "灯坏了。" in hand.post(reverse("matter-read", args=[row.pk])).content.decode()
    wrong = hand.post(move, {"do": "answer", "outcome": "solved", "result": ""})
    assert wrong.status_code == 422
    hand.post(move, {"do": "answer", "outcome": "solved", "result": "已换。"})
    page = signed_in(world.base.interviewer).get("/").content.decode()
    assert "实际问题已办复，请告诉本人" in page
    assert Reader.objects.filter(record=row.record, revoked_at=None).count() == 1


@pytest.mark.once
def test_the_database_refuses_what_is_wrong(world):
    for wrong in (
        {"state": "lost"}, {"outcome": "maybe"}, {"state": "answered"},
        {"state": "told", "outcome": "solved", "answered_at": clock.now()},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            MatterFactory(**wrong)
    first = MatterFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        MatterFactory(interview=first.interview, number=first.number)


# --- What the page of a problem says when its text is closed ----------------------------------------------------------


@pytest.mark.once
def test_who_handled_a_problem_is_told_that_it_is_closed(world, signed_in):
    row = answered(world)
    client, page = signed_in(world.handler), reverse("matter", args=[row.pk])
    assert "打开内容" in client.get(page).content.decode()
    matters.tell(by=world.base.interviewer, matter=row, told_on=clock.today(), now=clock.now())
    said = client.get(page).content.decode()
    assert ("打开内容" in said, "已经告诉本人，内容不再对承办人开放。结果：已解决。" in said) == (False, True)
    assert "打开内容" in signed_in(world.base.interviewer).get(page).content.decode()


@pytest.mark.once
def test_a_problem_whose_text_was_erased_says_so_and_asks_for_no_answer(world, signed_in):
    row = released(world)
    matters.accept(by=world.handler, matter=row, now=clock.now())
    office = world.base.office
    reach = scope(office, Action.MANAGE_INTERVIEWS)
    erasure.erase_person(by=office, person=world.base.student.person, reach=reach, now=clock.now())
    for account in (world.handler, world.base.interviewer):
        said = signed_in(account).get(reverse("matter", args=[row.pk])).content.decode()
        assert ("内容已清除（本人要求删除" in said, "打开内容" in said, 'value="answer"' in said) == (
            True,
            False,
            False,
        )


@pytest.mark.once
def test_two_handlers_of_one_name_are_told_apart(world, signed_in):
    interview = talks.recorded(world.base)
    page = signed_in(world.base.interviewer).get(reverse("matter-new", args=[interview.pk])).content.decode()
    unit = names_of([world.base.school.maths.pk])[world.base.school.maths.pk]
    assert re.search(f"{world.base.officer.get_full_name()}（(.*，)?{unit}，党总支书记）", page)
