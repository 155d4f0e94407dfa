"""Form codes: how they are made and read; form versions: given out once, found by code, compared with the data."""

import itertools

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from branches import crockford
from branches.models import AuditEntry, Role
from branches.permissions import Action, scope
from reporting.annexes.facts import digest
from reporting.making import documents
from reporting.making.kinds import BY_SLUG, KINDS
from reporting.models import FormVersion
from reporting.paper import form_codes
from reporting.services import form_versions
from reporting.services.versions import data_version
from tests.factories.branches import holder
from tests.factories.forms import FormVersionFactory
from tests.factories.grading import fill, opened_round
from tests.worlds import shared

CODE = form_codes.form_code("annex5", 1, 2, "a" * 64)


# --- The code itself ------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_code_is_twelve_characters_of_the_digest_of_what_it_names():
    assert CODE == "S6DF-PZV3-2KXJ"
    assert form_codes.form_code("annex5", 1, 2, "a" * 64) == CODE
    others = [
        ("annex4", 1, 2, "a" * 64),
        ("annex5", 2, 2, "a" * 64),
        ("annex5", 1, 3, "a" * 64),
        ("annex5", 12, 2, "b"),
    ]
    assert len({form_codes.form_code(*other) for other in others} | {CODE}) == 5


@pytest.mark.unit
@pytest.mark.parametrize(
    "typed",
    [
        "S6DF-PZV3-2KXJ",
        "s6df pzv3 2kxj",
        " S6DFPZV32KXJ\n",
        "表单编码 S6DF-PZV3-2KXJ",
        "表单编码：s6df—pzv3–2kxj",
        "Ｓ６ＤＦ−ＰＺＶ３　2kxj",
    ],
)
def test_a_code_is_read_however_it_is_typed(typed):
    assert (form_codes.normalise(typed), form_codes.problem(typed)) == (CODE, "")


@pytest.mark.unit
def test_letters_taken_for_digits_are_forgiven():
    code = next(c for n in itertools.count() if {"0", "1"} <= set(c := form_codes.form_code("annex4", n, 1, "")))
    for one in "iIlL":
        for nought in "oO":
            assert form_codes.normalise(code.replace("1", one).replace("0", nought)) == code


@pytest.mark.unit
def test_every_wrong_character_and_every_two_that_changed_places_are_noticed():
    plain = CODE.replace("-", "")
    wrong = [plain[:n] + c + plain[n + 1 :] for n in range(12) for c in crockford.ALPHABET if c != plain[n]]
    for first, second in itertools.combinations(range(12), 2):
        swapped = list(plain)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        wrong += ["".join(swapped)] if plain[first] != plain[second] else []
    assert len(wrong) == 12 * 31 + 66
    assert [text for text in wrong if form_codes.normalise(text) is not None] == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请输入表单编码。"),
        (" - ", "请输入表单编码。"),
        ("S6DF-PZV3", "编码应是 12 位，现在是 8 位，请对照纸面补全。"),
        ("S6DF-PZV3-2KXK", "编码有一位不对（校验不符），请对照纸面逐位再核一遍。"),
        ("S6DF-PZV3-2KXU", "编码里不会有“U”。编码只有数字和字母（不含 I、L、O、U），请对照纸面再看一遍。"),
    ],
)
def test_what_is_wrong_with_a_code_is_said(typed, said):
    assert (form_codes.problem(typed), form_codes.normalise(typed)) == (said, None)


@pytest.mark.unit
def test_every_kind_has_a_shape_that_tells_when_its_facts_change():
    assert set(documents.SHOWN) == set(BY_SLUG)
    assert len({documents.shape_of(kind.slug) for kind in KINDS}) == len(KINDS)


# --- Form versions --------------------------------------------------------------------------------------------------


@shared
def world():
    made = opened_round()
    fill(made.unit("software"), lose=7)
    return made


def made_now(world, slug, unit, *, bundled=False):
    kind = BY_SLUG[slug]
    facts = (kind.pieces if bundled else kind.gather)(world.round, unit)
    return documents.identified(kind=kind, round_=world.round, unit=unit, facts=facts, bundled=bundled)


def issued(world, slug, unit, *, bundled=False):
    found = made_now(world, slug, unit, bundled=bundled)
    codes = form_versions.issue(kind=slug, round_=world.round, documents=found, by=None)
    return [FormVersion.objects.get(code=code) for code in codes]


@pytest.mark.django_db
def test_a_document_has_one_code_whichever_order_it_was_made_in(world):
    tree = world.school
    in_batch = dict(made_now(world, "annex5", tree.root, bundled=True))
    assert set(in_batch) == {tree.maths, tree.letters, tree.root}
    assert made_now(world, "annex5", tree.maths) == [(tree.maths, in_batch[tree.maths])]
    for slug in ("annex4", "scoring_sheet"):
        in_batch = dict(made_now(world, slug, tree.root, bundled=True))
        assert set(in_batch) == {tree.software, tree.algebra, tree.chinese, tree.history, tree.direct}
        assert made_now(world, slug, tree.direct) == [(tree.direct, in_batch[tree.direct])]


@pytest.mark.django_db
def test_issuing_again_gives_the_same_codes_and_writes_nothing(world):
    office = holder(Role.OFFICE, world.school.root)
    found = made_now(world, "annex4", world.school.root, bundled=True)
    version = data_version()
    codes = form_versions.issue(kind="annex4", round_=world.round, documents=found, by=office)
    assert [form_codes.normalise(code) for code in codes] == codes
    assert FormVersion.objects.filter(code__in=codes, made_by=office).count() == 5
    assert form_versions.issue(kind="annex4", round_=world.round, documents=found[:2], by=None) == codes[:2]
    entry = AuditEntry.objects.get(action="form.issued")
    assert (entry.summary, entry.account) == ("生成表单编码 5 个", office)
    assert data_version() == version


@pytest.mark.django_db
def test_issuing_takes_the_same_queries_for_one_as_for_many(world):
    found = made_now(world, "annex4", world.school.root, bundled=True)
    counts = []
    for part in (found[:1], found[1:]):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            form_versions.issue(kind="annex4", round_=world.round, documents=part, by=None)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db
@pytest.mark.parametrize("guarded", [True, False])
def test_a_row_written_by_somebody_else_meanwhile_is_taken(world, monkeypatch, guarded):
    """Negative control: without ignore_conflicts the second of two at once ends in an IntegrityError."""
    found = made_now(world, "annex4", world.school.software)
    other = FormVersionFactory(kind="annex4", round=world.round, unit=found[0][0], digest=found[0][1])
    blind, real = [FormVersion.objects.none()], FormVersion.objects.filter
    monkeypatch.setattr(FormVersion.objects, "filter", lambda **given: blind.pop() if blind else real(**given))
    if guarded:
        assert form_versions.issue(kind="annex4", round_=world.round, documents=found, by=None) == [other.code]
        assert FormVersion.objects.count() == 1
        return
    create = FormVersion.objects.bulk_create
    monkeypatch.setattr(FormVersion.objects, "bulk_create", lambda rows, **_: create(rows))
    with pytest.raises(IntegrityError):
        form_versions.issue(kind="annex4", round_=world.round, documents=found, by=None)


@pytest.mark.once
@pytest.mark.django_db
def test_the_database_keeps_codes_and_what_they_name_apart():
    row = FormVersionFactory()
    same = {"kind": row.kind, "round": row.round, "unit": row.unit, "digest": row.digest}
    for given in (same | {"code": CODE}, {"code": row.code}, {"code": ""}, {"digest": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            FormVersionFactory(**given)


def currents(forms):
    return {pk: one.current for pk, one in form_versions.compared(forms).items()}


@pytest.mark.django_db
def test_a_form_is_current_until_its_data_changes(world):
    tree = world.school
    (form,) = issued(world, "annex5", tree.maths)
    (other,) = issued(world, "annex5", tree.letters)
    (sheet,) = issued(world, "annex4", tree.software)
    assert currents([form, other, sheet]) == {form.pk: True, other.pk: True, sheet.pk: True}
    fill(world.unit("algebra"), lose=3)
    assert currents([form, other, sheet]) == {form.pk: False, other.pk: True, sheet.pk: True}
    (now,) = form_versions.compared([form])[form.pk].codes
    assert now != form.code
    assert [row.code for row in issued(world, "annex5", tree.maths)] == [now]


@pytest.mark.django_db
def test_the_whole_and_the_part_of_the_direct_branches_are_two_forms_of_the_committee(world):
    tree = world.school
    (whole,) = issued(world, "annex5", tree.root)
    part = next(row for row in issued(world, "annex5", tree.root, bundled=True) if row.unit == tree.root)
    assert whole.code != part.code
    assert currents([whole, part]) == {whole.pk: True, part.pk: True}
    fill(world.unit("algebra"), lose=3)
    assert currents([whole, part]) == {whole.pk: False, part.pk: True}


@pytest.mark.django_db
def test_what_another_version_of_the_product_made_cannot_be_compared(world):
    (form,) = issued(world, "annex4", world.school.software)
    FormVersion.objects.filter(pk=form.pk).update(shape="0" * 16)
    gone = FormVersionFactory(kind="annex9", shape="0" * 16, round=world.round)
    form.refresh_from_db()
    assert (form_versions.current(form), form_versions.current(gone)) == (None, None)


@pytest.mark.django_db
def test_many_forms_are_compared_in_as_many_queries_as_one(world):
    tree = world.school
    forms = issued(world, "annex4", tree.root, bundled=True)
    counts = []
    for part in (forms[:1], forms):
        rows = list(FormVersion.objects.filter(pk__in=[row.pk for row in part]).select_related("unit", "round"))
        with CaptureQueriesContext(connection) as queries:
            assert set(currents(rows).values()) == {True}
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 2


@pytest.mark.django_db
def test_a_foreign_code_does_not_seem_to_exist(world):
    tree = world.school
    (form,) = issued(world, "annex5", tree.maths)
    typed = form.code.lower().replace("-", " ")
    assert form_versions.look_up(typed) == form
    assert form_versions.look_up(CODE) is None
    reach = {
        place: scope(holder(Role.GENERAL_BRANCH_OFFICER, place), Action.EXPORT) for place in (tree.maths, tree.letters)
    }
    assert form_versions.find(typed, reach[tree.maths]) == form
    assert form_versions.find(typed, reach[tree.letters]) is None


@pytest.mark.django_db
def test_the_digest_of_a_code_is_that_of_one_document(world):
    (form,) = issued(world, "annex4", world.school.software)
    (facts,) = BY_SLUG["annex4"].gather(world.round, world.school.software)
    assert form.digest == digest([facts])
    assert form.code == form_codes.form_code("annex4", world.round.pk, world.school.software.pk, form.digest)
