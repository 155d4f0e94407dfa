"""细则 of a 党总支: in time, never changing points, frozen once published, copied to the next round."""

import datetime as dt
from decimal import Decimal as D  # noqa: N817

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from branches import clock, guards
from branches.scopes import Scope
from branches.versions import ConflictError
from grading.models import Criterion, LocalGuidance, Round, RoundStep
from grading.services import guidance, presets, rounds
from grading.services.errors import RefusedError
from grading.services.guidance import Option
from tests.factories import branches
from tests.factories.grading import campaign, fill
from tests.factories.guidance import LocalGuidanceFactory, TrainingFactory
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]


class World:
    def __init__(self):
        self.school = branches.school()
        self.campaign = campaign(self.school.root, starts_on=clock.today())
        self.round = self.campaign.rounds.get(ordinal=1)
        self.maths, self.other = self.school.maths, self.school.letters

    def item(self, code="A1", rubric="teacher-2012"):
        return Criterion.objects.get(section__rubric__code=rubric, code=code)

    def save(self, code="A1", **given):
        values = {"text": "看换届批复", "mode": "text", "options": [], "edits": 0} | given
        return guidance.save(
            by=None, round_=self.round, parent=self.maths, criterion=self.item(code), now=clock.now(), **values
        )

    def publish(self):
        return guidance.publish(by=None, round_=self.round, parent=self.maths, now=clock.now())

    def open(self):
        self.round = rounds.open_round(by=None, round_=self.round, now=clock.now())
        return self.round


world = shared(World)


def test_a_draft_is_nobodys_until_it_is_published(world):
    world.save()
    world.open()
    unit = world.round.units.get(branch=world.school.software)
    assert guidance.of_unit(unit) == {}


def test_publishing_before_the_round_opens_reaches_its_branches_and_no_others(world):
    world.save(mode="deductions", options=[Option("缺一名支委", D("0.5"))])
    assert world.publish() == 1
    world.open()
    mine = guidance.of_unit(world.round.units.get(branch=world.school.software))
    assert [row.text for row in mine.values()] == ["看换届批复"]
    assert guidance.of_unit(world.round.units.get(branch=world.school.chinese)) == {}


def test_the_points_of_an_item_never_change(world):
    full = world.item().points
    with pytest.raises(RefusedError, match="不能有超过"):
        world.save(mode="levels", options=[Option("好", full + 1)])
    with pytest.raises(RefusedError, match="细则不改变分值"):
        world.save(mode="levels", options=[Option("好", full - 1)])


def test_an_item_of_a_rubric_nobody_here_uses_is_refused(world):
    with pytest.raises(RefusedError, match="不用这一条"):
        guidance.save(
            by=None, round_=world.round, parent=world.maths, criterion=world.item("A1", "retired-2012"), text="x",
            mode="text", options=[], edits=0, now=clock.now(),
        )  # fmt: skip


def test_two_people_at_one_draft(world):
    row = world.save()
    world.save(text="看会议记录", edits=row.edits)
    with pytest.raises(ConflictError):
        world.save(text="看照片", edits=row.edits)


def test_once_self_assessment_is_open_it_is_too_late(world):
    world.save()
    world.open()
    with pytest.raises(RefusedError, match="自评已经开始"):
        world.publish()


@pytest.mark.parametrize(("days", "late"), [(0, False), (-1, True)])
def test_a_step_of_the_round_says_until_when(world, days, late):
    world.save()
    due = clock.today() + dt.timedelta(days=days)
    RoundStep.objects.create(round=world.round, ordinal=99, code="guidance", name="细化标准", due_on=due)
    world.open()
    world.round = Round.objects.get(pk=world.round.pk)
    if late:
        with pytest.raises(RefusedError, match="已经过了"):
            world.publish()
    else:
        assert world.publish() == 1


def test_the_way_in_stands_still_once_points_were_given(world):
    RoundStep.objects.create(
        round=world.round, ordinal=99, code="guidance", name="细化标准", due_on=clock.today() + dt.timedelta(days=3)
    )
    world.open()
    world.round = Round.objects.get(pk=world.round.pk)
    fill(world.round.units.select_related("round__campaign", "rubric", "branch").get(branch=world.school.software))
    full = world.item().points
    row = world.save(mode="levels", options=[Option("好", full), Option("差", D(0))])
    with pytest.raises(RefusedError, match="A1已有支部打分"):
        world.publish()
    world.save(text="只改说明", edits=row.edits)
    assert world.publish() == 1


def test_a_published_version_is_frozen_for_the_database_too(world):
    world.save()
    world.publish()
    row = LocalGuidance.objects.get()
    if connection.vendor == "postgresql":  # deferred checks are done before triggers are taken
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.install(connection)
    try:
        with pytest.raises(DatabaseError), transaction.atomic():
            LocalGuidance.objects.filter(pk=row.pk).update(text="别的")
        with pytest.raises(DatabaseError), transaction.atomic():
            LocalGuidance.objects.filter(pk=row.pk).delete()
    finally:
        guards.remove(connection)
    with pytest.raises(RefusedError):
        guidance.drop_draft(by=None, guidance=row)
    fresh = world.save(text="改过的")
    assert (fresh.version, LocalGuidance.objects.filter(pk=fresh.pk).update(text="草稿可改")) == (2, 1)


def test_an_empty_version_takes_the_old_one_back(world):
    world.save()
    world.publish()
    world.save(text="")
    world.publish()
    world.open()
    assert guidance.of_unit(world.round.units.get(branch=world.school.software)) == {}


def test_the_last_rounds_are_copied_where_the_items_are_the_same(world):
    world.save("A1", mode="deductions", options=[Option("缺一名支委", D("0.5"))])
    world.save("A2", text="看台账")
    world.publish()
    second = world.campaign.rounds.filter(ordinal=2).first() or presets.create_round_from_preset(
        by=None, campaign=world.campaign, ordinal=2
    )
    LocalGuidanceFactory(round=second, parent=world.maths, criterion=world.item("A2"), text="已有的")
    assert guidance.copy_last(by=None, round_=second, parent=world.maths, now=clock.now()) == (1, 1)
    row = LocalGuidance.objects.get(round=second, criterion__code="A1")
    assert (row.state, row.options) == ("draft", [{"label": "缺一名支委", "points": "0.5"}])
    with pytest.raises(RefusedError, match="没有发布过"):
        guidance.copy_last(by=None, round_=second, parent=world.other, now=clock.now())


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 0}, {"mode": "guess"}, {"state": "published"}, {"published_at": clock.now()},
    ],
)  # fmt: skip
def test_the_database_refuses_wrong_rows(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        LocalGuidanceFactory(**wrong)


def test_the_database_keeps_one_draft_and_one_of_a_version():
    row = LocalGuidanceFactory()
    same = {"round": row.round, "parent": row.parent, "criterion": row.criterion}
    with pytest.raises(IntegrityError), transaction.atomic():
        LocalGuidanceFactory(**same, version=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        LocalGuidanceFactory(**same, state="published", published_at=clock.now())


@pytest.mark.parametrize("wrong", [{"topic": ""}, {"due": 0, "present": 0}, {"due": 3, "present": 4}])
def test_the_database_refuses_wrong_trainings(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingFactory(**wrong)


def test_one_training_is_recorded_once():
    row = TrainingFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingFactory(branch=row.branch, topic=row.topic)


# --- pages ---------------------------------------------------------------------------------------------------------


def post(client, world, code="A1", **given):
    data = {"text": "看换届批复", "mode": "text", "options": "", "edits": "0", "do": "save"} | given
    return client.post(page("guidance-edit", world.round.pk, world.maths.pk, world.item(code).pk), data, follow=True)


def test_an_organiser_drafts_and_the_officer_publishes(signed_in, world):
    organiser = signed_in(account(world.school, "organiser"))
    saved = post(organiser, world, mode="deductions", options="缺一名支委 = 0.5\n未换届：2分")
    assert "草稿 1 条" in text(saved)
    assert LocalGuidance.objects.get().options == [
        {"label": "缺一名支委", "points": "0.5"}, {"label": "未换届", "points": "2"},
    ]  # fmt: skip
    assert organiser.post(page("guidance-publish", world.round.pk, world.maths.pk)).status_code == 403
    officer = signed_in(account(world.school, "officer"))
    assert "发布细则" in text(officer.get("/"))
    done = officer.post(page("guidance-publish", world.round.pk, world.maths.pk), follow=True)
    assert "已发布细则 1 条" in text(done)


def test_what_cannot_be_read_stays_on_the_page(signed_in, world):
    officer = signed_in(account(world.school, "officer"))
    wrong = post(officer, world, mode="levels", options="好 = 2\n较好")
    assert wrong.status_code == 422
    assert "第 2 行“较好”看不懂，请写成“缺会一次 = 0.5”。" in text(wrong)
    assert "好 = 2" in wrong.content.decode()
    too_much = post(officer, world, mode="levels", options="好 = 20")
    assert "细则里不能有超过" in text(too_much)


def test_another_party_branch_is_not_found(signed_in, world):
    officer = signed_in(account(world.school, "officer"))
    other = guidance.parents(world.round, Scope(frozenset(), clock.today(), everything=True), clock.today())
    foreign = next(row for row in other if row.pk != world.maths.pk)
    url = page("guidance-edit", world.round.pk, foreign.pk, world.item().pk)
    assert officer.get(url).status_code == 404
    assert str(foreign.pk) not in dict(officer.get(page("guidance", world.round.pk)).context["choices"])


def test_saving_leads_to_the_next_item(signed_in, world):
    officer = signed_in(account(world.school, "officer"))
    answer = post(officer, world, do="next")
    assert answer.context["item"].code == "A2"


def test_trainings_make_the_rate(signed_in, world):
    world.open()
    unit = world.round.units.get(branch=world.school.software)
    secretary = signed_in(account(world.school, "secretary"))
    url = page("trainings", unit.pk)
    today = str(clock.today())
    secretary.post(url, {"held_on": today, "topic": "学习党章", "due": "3", "present": "2"})
    wrong = secretary.post(url, {"held_on": today, "topic": "学习讲话", "due": "3", "present": "4"})
    assert "实到 4 人，多于应到 3 人，请核对。" in text(wrong)
    assert 'value="学习讲话"' in wrong.content.decode()
    secretary.post(url, {"held_on": today, "topic": "学习讲话", "due": "4", "present": "4"})
    assert "培训率 85.71%" in text(secretary.get(url))  # 6 of 7
    row = unit.branch.trainings.get(topic="学习党章")
    secretary.post(url, {"remove": row.pk})
    assert "培训率 100.00%" in text(secretary.get(url))
