"""What is missing before a plan or an item may be handed in."""

import datetime as dt
from fractions import Fraction

from branches import clock
from rectification import terms, votes
from rectification.models import Absence, Item, MeetingRecord, Plan, RectificationRules

NEEDED = (
    ("category_id", "问题类别"), ("dimension_id", "对标内容"), ("problem", "存在的主要问题"), ("goal", "整改目标"),
    ("measures", "整改措施"), ("leader", "责任领导"), ("owner_name", "责任人"),
)  # fmt: skip


def term_of(item: Item) -> terms.Term:
    """Return what an item says about its time; of check-points those not done yet."""
    ahead = [row.due_on for row in item.checkpoints.all() if row.done_on is None] if item.pk else []
    return terms.Term(item.term, item.due_on, item.term_reason, item.review_on, ahead)


def gaps_of(item: Item, rules: RectificationRules, now: dt.datetime) -> list[str]:
    """Return what an item still lacks, as sentences."""
    today = clock.day_of(now)
    found = []
    blank = [label for field, label in NEEDED if not getattr(item, field)]
    term = term_of(item)
    blank += terms.gaps(term, start=today, months=rules.checkpoint_months).values()
    if blank:
        found.append(f"还缺{'、'.join(blank)}。")
    if problem := terms.beyond(term, item.limit_on, item.extended_to):
        found.append(problem)
    following = terms.counts_on(term)
    if following is not None and following < today and not item.plan.campaign.backfill:
        found.append(f"{terms.zh(following)}已经过了，请重新确定时限。")
    return found


def meeting_rules(rules: RectificationRules) -> votes.Rules:
    """Return what a campaign asks of the meeting, as the pure rules take it."""

    def part(over: int | None, of: int | None) -> Fraction | None:
        return None if over is None or of is None else Fraction(over, of)

    return votes.Rules(
        rules.vote_required,
        part(rules.quorum_over, rules.quorum_of),
        part(rules.majority_over, rules.majority_of),
    )


def meeting_problems(plan: Plan, rules: RectificationRules, now: dt.datetime) -> list[str]:
    """Return what the record of the 党员大会 still lacks."""
    row = MeetingRecord.objects.filter(plan=plan).prefetch_related("absences").first()
    if row is None:
        return ["请先登记党员大会的讨论情况。"]
    kinds = [absence.kind for absence in row.absences.all()]
    meeting = votes.Meeting(
        held_on=row.held_on, should_attend=row.should_attend, present=row.present, excused=row.excused,
        absent=row.absent, excused_named=kinds.count(Absence.Kind.EXCUSED),
        absent_named=kinds.count(Absence.Kind.ABSENT), opinions=row.opinions, voting_members=row.voting_members,
        voting_present=row.voting_present, votes=(row.votes_for, row.votes_against, row.abstentions),
    )  # fmt: skip
    return votes.problems(meeting, meeting_rules(rules), clock.day_of(now))
