"""A talk is recorded once, its words are sealed, and what is wrong is refused at its field."""

import datetime as dt
import uuid

import pytest

from branches import clock
from branches.models import AuditDetail, AuditEntry
from branches.versions import ConflictError
from interviews.models import Interview, Notice, SealedRecord, SealedText
from interviews.services import confidence, interviews, vaults
from interviews.services.errors import NotReadableError, RefusedError, UnopenableError
from tests.factories import interview_plan
from tests.interviews import talks
from tests.interviews.talks import recorded, talk
from tests.worlds import shared

pytestmark = pytest.mark.db
world = shared(talks.world)


def faults(world, **given):
    with pytest.raises(RefusedError) as refused:
        recorded(world, **given)
    return set(refused.value.fields)


def test_a_talk_is_written_once_however_often_it_is_sent(world):
    number, now = uuid.uuid4(), clock.now()
    send = {"client_id": number, "campaign": world.campaign, "talk": talk(world), "now": now}
    first = interviews.record_interview(by=world.interviewer, **send)
    again = interviews.record_interview(by=world.interviewer, **send)
    assert (first.created, again.created, again.interview) == (True, False, first.interview)
    assert (Interview.objects.count(), SealedRecord.objects.count()) == (1, 1)
    with pytest.raises(RefusedError, match="编号已用过"):
        interviews.record_interview(by=world.colleague, **send)


def test_its_reader_sees_everything_and_the_rows_show_nothing_sensitive(world):
    row = recorded(world)
    assert list(row.topics.all()) == [world.study]
    assert list(row.focus_groups.all()) == [world.freshmen]
    read = interviews.read_interview(by=world.interviewer, interview=row, now=clock.now())
    assert (read.text, read.problems, read.place) == ("最近睡不好，想换宿舍。", "宿舍太吵。", "三号楼 204")
    assert read.topics == (world.study, world.worry)
    assert read.focus_groups == (world.freshmen, world.troubled)


def test_every_field_is_sealed_whether_it_says_anything_or_not(world):
    row = recorded(world, text="", problems="", place="", topics=[], focus_groups=[])
    texts = SealedText.objects.filter(version__record=row.record)
    assert set(texts.values_list("field", flat=True)) == {"text", "problems", "sensitive", "place"}
    assert {len(bytes(one.sealed)) for one in texts} == {256 + 24 + 16}  # padded text, nonce, tag


def test_the_audit_trail_holds_digests_only(world):
    row = recorded(world)
    entry = AuditEntry.objects.get(action="sealed.write", thing_id=str(row.record_id))
    detail = AuditDetail.objects.get(entry=entry)
    assert detail.before is None
    assert set(detail.after) == {"version", "digests"}
    assert {len(digest) for digest in detail.after["digests"].values()} == {40}
    assert len(set(detail.after["digests"].values())) == 4


def test_what_is_wrong_is_said_at_its_field(world):
    assert faults(world, entries=[]) == {"entries"}
    assert faults(world, entries=[world.student, world.other]) == {"entries"}
    assert faults(world, one_to_one=False) == {"entries"}
    assert faults(world, entries=[world.elsewhere]) == {"entries"}
    assert faults(world, held_on=clock.today() + dt.timedelta(days=1)) == {"held_on"}
    assert faults(world, held_on=world.campaign.starts_on - dt.timedelta(days=1)) == {"held_on"}
    assert faults(world, place="楼" * 81) == {"place"}
    assert faults(world, consent="perhaps") == {"consent"}
    assert faults(world, consent="declined") == {"consent"}
    assert Interview.objects.count() == 0


def test_who_declines_has_the_fact_recorded_and_nothing_else(world):
    row = recorded(world, consent="declined", text="", problems="", topics=[world.study], focus_groups=[])
    assert row.consent == "declined"


def test_where_consent_is_wanted_telling_is_not_enough(world):
    draft = confidence.draft_notice(
        by=world.office, campaign=world.campaign, title="同意书", body="同意记录。", wants_consent=True
    )
    assert Notice.objects.current(world.campaign) == world.notice
    wanted = confidence.publish_notice(by=world.office, notice=draft, now=clock.now())
    assert faults(world, notice=wanted) == {"consent"}
    assert recorded(world, notice=wanted, consent="agreed").notice == wanted


def test_a_notice_is_published_once(world):
    with pytest.raises(RefusedError):
        confidence.publish_notice(by=world.office, notice=world.notice, now=clock.now())


def test_people_of_other_units_are_recorded_when_assigned(world):
    interview_plan.AssignmentFactory(
        campaign=world.campaign, entry=world.elsewhere, interviewer=world.interviewer.person
    )
    assert recorded(world, entries=[world.elsewhere]).unit == world.school.chinese


def test_a_group_counts_as_a_group(world):
    row = recorded(world, entries=[world.student, world.other], one_to_one=False)
    assert (row.heads, row.one_to_one, row.subjects.count()) == (2, False, 2)


def test_an_amendment_keeps_what_was_written_before(world):
    row, now = recorded(world), clock.now()
    fresh = interviews.amend(
        by=world.interviewer, interview=row, version=1, talk=talk(world, text="改了。", topics=[]), now=now
    )
    read = interviews.read_interview(by=world.interviewer, interview=fresh, now=now)
    assert (fresh.version, read.version, read.text, read.topics) == (2, 2, "改了。", ())
    old = interviews.read_interview(by=world.interviewer, interview=fresh, now=now, version=1)
    assert old.text == "最近睡不好，想换宿舍。"
    with pytest.raises(ConflictError):
        interviews.amend(by=world.interviewer, interview=row, version=1, talk=talk(world), now=now)
    with pytest.raises(NotReadableError):
        interviews.amend(by=world.colleague, interview=row, version=2, talk=talk(world), now=now)


def test_a_talk_taken_back_counts_no_more_and_says_no_more(world):
    row = interviews.withdraw(by=world.interviewer, interview=recorded(world), now=clock.now())
    assert (row.state, Interview.objects.counting().count()) == ("withdrawn", 0)
    with pytest.raises(UnopenableError):
        interviews.read_interview(by=world.interviewer, interview=row, now=clock.now())
    with pytest.raises(RefusedError):
        interviews.withdraw(by=world.interviewer, interview=row, now=clock.now())


def test_without_a_place_for_keys_nothing_is_saved(world, settings, tmp_path):
    file = tmp_path / "file"
    file.touch()
    settings.INTERVIEW_VAULT_DIR = file / "vault"
    with pytest.raises(RefusedError, match="密钥目录写不进去"):
        recorded(world)
    assert SealedRecord.objects.count() == 0


def test_a_copy_that_lost_the_race_leaves_no_key(world, monkeypatch):
    before = set(vaults.vault().records())
    first = recorded(world)
    answers = iter([None, first])
    monkeypatch.setattr(interviews, "_known", lambda *_: next(answers))
    again = interviews.record_interview(
        by=world.interviewer, client_id=first.client_id, campaign=world.campaign, talk=talk(world), now=clock.now()
    )
    assert (again.created, again.interview) == (False, first)
    assert set(vaults.vault().records()) - before == {first.record_id.hex}
