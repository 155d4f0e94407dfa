"""Talks: record one once however often it is sent, amend it, withdraw it, read it."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from branches import audit
from branches.models import Account, Campaign
from branches.versions import ConflictError, save_versioned
from interviews.models import FocusGroup, Interview, InterviewSubject, SealedRecord, Topic
from interviews.services import erasure, sealed, talk_checks, vaults
from interviews.services.confidence import retain_until, rules_of
from interviews.services.errors import NotReadableError, refuse
from interviews.services.talk_checks import Talk

S = Interview.State


@dataclass(frozen=True, slots=True)
class Recorded:
    """A talk, and whether this call wrote it (false when it had arrived before)."""

    interview: Interview
    created: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A talk as its reader sees it; sensitive topics and groups are back among the others."""

    interview: Interview
    version: int
    written_by: Account
    written_at: dt.datetime
    text: str = field(repr=False)
    problems: str = field(repr=False)
    place: str = field(repr=False)
    topics: tuple[Topic, ...] = field(repr=False)
    focus_groups: tuple[FocusGroup, ...] = field(repr=False)


@sensitive_variables()
def record_interview(
    *, by: Account, client_id: uuid.UUID, campaign: Campaign, talk: Talk, now: dt.datetime
) -> Recorded:
    """Record a talk; sending the same `client_id` again answers with what is there. Raises RefusedError."""
    if (known := _known(by, client_id)) is not None:
        return Recorded(known, created=False)
    rules = rules_of(campaign)
    talk_checks.check(by=by, campaign=campaign, talk=talk, limit=rules.text_limit, now=now)
    record = SealedRecord(
        kind=SealedRecord.Kind.INTERVIEW, campaign=campaign, unit=talk.entries[0].unit, owner=by, created_at=now,
        retain_until=retain_until(talk.held_on, rules.retain_months),
    )  # fmt: skip
    key = sealed.issue_keys(records=[record.pk])[record.pk]
    try:
        with transaction.atomic():
            note = sealed.write_first(record=record, key=key, texts=_texts(talk))
            interview = _create(by, client_id, record, talk)
            said = "记录一次谈话" if talk.one_to_one else f"记录一次座谈，{interview.heads} 人"
            fact = audit.Note("interview.record", interview, said, record.unit, None, _facts(interview))
            audit.record_many(by=by, notes=[note, fact])
    except IntegrityError:
        vaults.vault().destroy([record.pk.hex])  # somebody else's copy of this very sending was faster
        if (known := _known(by, client_id)) is None:
            raise
        return Recorded(known, created=False)
    return Recorded(interview, created=True)


def _known(by: Account, client_id: uuid.UUID) -> Interview | None:
    """Return what arrived before under this number; somebody else's is refused without saying whose."""
    known = Interview.objects.filter(client_id=client_id).first()
    if known is not None and known.interviewer_id != by.pk:
        refuse("这份填写的编号已用过，请刷新页面再填。")
    return known


@sensitive_variables()
def _create(by: Account, client_id: uuid.UUID, record: SealedRecord, talk: Talk) -> Interview:
    interview = Interview.objects.create(
        client_id=client_id,
        record=record,
        campaign=record.campaign,
        interviewer=by,
        recorded_at=record.created_at,
        **_columns(talk),
    )
    _link(interview, talk)
    return interview


def _columns(talk: Talk) -> dict[str, object]:
    return {
        "unit": talk.entries[0].unit,
        "held_on": talk.held_on,
        "channel": talk.channel,
        "one_to_one": talk.one_to_one,
        "heads": len(talk.entries),
        "notice": talk.notice,
        "consent": talk.consent,
    }


def _link(interview: Interview, talk: Talk) -> None:
    InterviewSubject.objects.bulk_create(InterviewSubject(interview=interview, entry=entry) for entry in talk.entries)
    interview.topics.set([topic for topic in talk.topics if not topic.sensitive])
    interview.focus_groups.set([group for group in talk.focus_groups if not group.sensitive])


def _facts(interview: Interview) -> dict[str, object]:
    """Return what the audit trail keeps of a talk: nothing it was about, nobody it was with."""
    return {
        "held_on": interview.held_on.isoformat(),
        "channel": interview.channel_id,
        "heads": interview.heads,
        "consent": interview.consent,
        "notice": interview.notice_id,
    }


@sensitive_variables()
def _texts(talk: Talk) -> dict[str, str]:
    """Return what is sealed of a talk, by field."""
    sensitive = {
        "topics": [topic.code for topic in talk.topics if topic.sensitive],
        "focus_groups": [group.code for group in talk.focus_groups if group.sensitive],
    }
    return {
        "text": talk.text.strip(),
        "problems": talk.problems.strip(),
        "place": talk.place.strip(),
        "sensitive": json.dumps(sensitive) if any(sensitive.values()) else "",
    }


@sensitive_variables()
@transaction.atomic
def amend(*, by: Account, interview: Interview, version: int, talk: Talk, now: dt.datetime) -> Interview:
    """Put a talk right; what was written before is kept. Only the interviewer. Raises RefusedError, ConflictError."""
    row = _own(by, interview)
    if row.version != version:
        raise ConflictError(row, {})
    rules = rules_of(row.campaign)
    talk_checks.check(by=by, campaign=row.campaign, talk=talk, limit=rules.text_limit, now=now)
    sealed.add_version(by=by, record=row.record, version=row.record.version, texts=_texts(talk), now=now)
    before = _facts(row)
    fresh = save_versioned(row, version=version, values=_columns(talk))
    fresh.subjects.all().delete()
    _link(fresh, talk)
    audit.record(
        by=by, action="interview.amend", thing=fresh, branch=fresh.unit, summary="修改一条谈话记录",
        before=before, after=_facts(fresh),
    )  # fmt: skip
    return fresh


def withdraw(*, by: Account, interview: Interview, now: dt.datetime) -> Interview:
    """Take back a talk entered by mistake: it counts no more and its texts are erased. Raises RefusedError."""
    with transaction.atomic():
        row = _own(by, interview)
        row.state = S.WITHDRAWN
        row.version += 1
        row.save(update_fields=["state", "version"])
        audit.record(
            by=by, action="interview.withdraw", thing=row, branch=row.unit, summary="撤回一条误录的谈话记录",
        )  # fmt: skip
    if row.record.erased_at is None:
        erasure.erase(by=by, record=row.record, cause=SealedRecord.Erasure.MISTAKE, now=now)
    return row


def _own(by: Account, interview: Interview) -> Interview:
    """Return the row of one's own talk, locked. Raises RefusedError, NotReadableError."""
    rows = Interview.objects.select_for_update(of=("self",)).select_related("record", "unit", "campaign")
    row = rows.get(pk=interview.pk)
    if row.interviewer_id != by.pk:
        raise NotReadableError(["没有找到。"])
    if row.state != S.RECORDED:
        refuse("这次谈话已撤回。")
    return row


@sensitive_variables()
def read_interview(*, by: Account, interview: Interview, now: dt.datetime, version: int | None = None) -> Read:
    """Open a talk's texts, on record whatever comes of it; call it outside a transaction.

    Raises NotReadableError (404 for this account), UnopenableError (a sentence to show).
    """
    opened = sealed.open_record(by=by, record=interview.record, now=now, version=version)
    hidden = _sensitive(opened.texts["sensitive"])
    topics = Topic.objects.filter(campaign=interview.campaign_id)
    groups = FocusGroup.objects.filter(campaign=interview.campaign_id)
    return Read(
        interview=interview,
        version=opened.version,
        written_by=opened.written_by,
        written_at=opened.written_at,
        text=opened.texts["text"],
        problems=opened.texts["problems"],
        place=opened.texts["place"],
        topics=(*interview.topics.all(), *topics.filter(code__in=hidden.get("topics", ()))),
        focus_groups=(*interview.focus_groups.all(), *groups.filter(code__in=hidden.get("focus_groups", ()))),
    )


@sensitive_variables()
def _sensitive(text: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = json.loads(text) if text else {}
    return found
