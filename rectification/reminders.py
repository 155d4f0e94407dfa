"""What a digest could tell whom: lines for each node of the tree, read in a number of queries that does not grow.

Own lines are for those who act for a node (its items, plan and 督办单), lines from above for those who look after
what hangs below it (numbers by unit, and what waits for them).
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from branches import clock
from branches.models import Campaign, Placement
from branches.wording import zh_date
from grading.models import Round, RoundUnit
from rectification import digest
from rectification.digest import Line
from rectification.models import Change, Item, Plan, RectificationRules, Status, SupervisionNotice
from rectification.services.settings import rules_of

OVERDUE, SOON, OWN, WAITING, BELOW = "已逾期", "即将到期", "需要您办理", "等您办理", "各党组织进度"
N = SupervisionNotice.State


def reminding(now: dt.datetime) -> list[RectificationRules]:
    """Return the rules of campaigns that remind, the earliest in the week first.

    A campaign reminds once a round of it is final or a plan is begun, until the year is closed; 历史补录 never does.
    """
    begun = Q(rounds__state=Round.State.FINAL) | Q(plans__isnull=False)
    rows = Campaign.objects.filter(
        begun, backfill=False, starts_on__lte=clock.day_of(now), rectification_closing__isnull=True
    )
    found = [rules_of(campaign) for campaign in rows.select_related("root").distinct().order_by("pk")]
    return sorted((one for one in found if one.digest_weekday), key=lambda one: (one.digest_weekday, one.digest_hour))


@dataclass(frozen=True, slots=True)
class Tree:
    """Where every node hangs on a day, and what it is called."""

    parents: dict[int, int | None]
    names: dict[int, str]

    def path(self, node: int) -> Iterator[int]:
        """Yield a node and those above it."""
        step: int | None = node
        while step is not None:
            yield step
            step = self.parents.get(step)

    def name(self, node: int) -> str:
        """Return what a node is called."""
        return self.names.get(node, "已撤销的党组织")


def tree_on(day: dt.date) -> Tree:
    """Read the tree of a day in one query."""
    rows = list(Placement.objects.on(day).values_list("branch", "parent", "name"))
    return Tree({pk: parent for pk, parent, _ in rows}, {pk: name for pk, _, name in rows})


@dataclass
class News:
    """Everything of one campaign that could be told, by the node that answers for it."""

    campaign: Campaign
    today: dt.date
    tree: Tree
    own: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    late: Counter[int] = field(default_factory=Counter)
    soon: Counter[int] = field(default_factory=Counter)
    awaiting: Counter[int] = field(default_factory=Counter)
    plans: Counter[int] = field(default_factory=Counter)
    changes: Counter[int] = field(default_factory=Counter)
    notices: list[SupervisionNotice] = field(default_factory=list)

    def above(self, node: int, own: Collection[int]) -> Iterator[Line]:
        """Yield what somebody at `node` should know of what hangs below; nodes of their `own` have lines already."""
        yield from self._waiting(node, own)
        late, soon = self._by_child(self.late, node, own), self._by_child(self.soon, node, own)
        for child in sorted({*late, *soon}, key=lambda pk: (-late[pk], -soon[pk], pk)):
            said = [f"逾期 {late[child]} 项"] if late[child] else []
            said += [f"即将到期 {soon[child]} 项"] if soon[child] else []
            yield Line(f"unit:{self.campaign.pk}:{child}", f"{self.tree.name(child)}：{'，'.join(said)}", BELOW)

    def _waiting(self, node: int, own: Collection[int]) -> Iterator[Line]:
        words = (
            (self.plans, "plans", "份整改提高方案等待审批"), (self.awaiting, "awaiting", "项申请销号，等待核实"),
            (self.changes, "changes", "件延期、暂停等申请等待审批"),
        )  # fmt: skip
        for counted, code, said in words:
            if number := sum(self._by_child(counted, node, own).values()):
                yield Line(f"{code}:{self.campaign.pk}:{node}", f"{number} {said}", WAITING)
        for notice in self.notices:
            if notice.issuer_id != node:
                continue
            name = self.tree.name(notice.branch_id)
            if notice.state == N.REPLIED:
                yield Line(f"notice:{notice.pk}", f"{name}已回复督办单 {notice.code}，等待核查", WAITING)
            elif notice.reply_due_on < self.today:
                days = (self.today - notice.reply_due_on).days
                yield Line(f"notice:{notice.pk}", f"{name}逾期 {days} 天没有回复督办单 {notice.code}", WAITING)

    def _by_child(self, counted: Counter[int], node: int, own: Collection[int]) -> Counter[int]:
        """Add numbers up by the nodes right below `node`."""
        found: Counter[int] = Counter()
        for pk, number in counted.items():
            path = list(self.tree.path(pk))
            below = path[: path.index(node)] if node in path[1:] else []
            if below and not any(step in own for step in below):
                found[below[-1]] += number
        return found

    def about(self, node: int) -> Iterator[Line]:
        """Yield one line for the 定点联系人 of a node, when there is something to say."""
        said = [f"逾期 {self.late[node]} 项"] if self.late[node] else []
        said += [f"即将到期 {self.soon[node]} 项"] if self.soon[node] else []
        if said:
            text = f"您联系的{self.tree.name(node)}：{'，'.join(said)}"
            yield Line(f"unit:{self.campaign.pk}:{node}", text, BELOW)


def read(rules: RectificationRules, tree: Tree, now: dt.datetime) -> News:
    """Read everything of one campaign that could be told."""
    news = News(rules.campaign, clock.day_of(now), tree)
    alive = SupervisionNotice.objects.alive().filter(campaign=rules.campaign)
    news.notices = list(alive.prefetch_related("lines").order_by("pk"))
    _read_notices(news)
    _read_items(news, now)
    _read_plans(news, rules)
    changes = Change.objects.filter(state=Change.State.PROPOSED, item__plan__campaign=rules.campaign)
    news.changes.update(_counted(changes.values_list("item__plan__branch").annotate(n=Count("pk"))))
    return news


def _counted(rows: Iterable[tuple[int, int]]) -> dict[int, int]:
    return dict(rows)


def _read_notices(news: News) -> None:
    for notice in news.notices:
        if notice.state in SupervisionNotice.OWED:
            left = (notice.reply_due_on - news.today).days
            when = f"还剩 {left} 天" if left > 0 else ("今天截止" if left == 0 else f"已逾期 {-left} 天")
            text = f"回复督办单 {notice.code}（{len(notice.lines.all())} 项），{zh_date(notice.reply_due_on)}，{when}"
            news.own[notice.branch_id].append(Line(f"notice:{notice.pk}", text, OWN))


def _read_items(news: News, now: dt.datetime) -> None:
    """Lines for items that a 督办单 asks about are left to the line of the 督办单."""
    asked = {line.item_id for one in news.notices if one.state in SupervisionNotice.OWED for line in one.lines.all()}
    rows = Item.objects.filter(plan__campaign=news.campaign, state__in=Item.UNDER_WAY).status(now)
    told = rows.filter(status__in=[Status.OVERDUE, Status.AT_RISK, Status.AWAITING])
    told = told.annotate(answers_id=Coalesce("escalated_to_id", "plan__branch_id"))
    for item in told.select_related("plan").order_by("counts_on", "plan", "ordinal"):
        node = item.answers_id
        if item.status == Status.AWAITING:
            news.awaiting[node] += 1
            continue
        late = item.status == Status.OVERDUE
        (news.late if late else news.soon)[node] += 1
        if item.pk not in asked:
            news.own[node].append(_item_line(item, news.today, late=late))


def _item_line(item: Item, today: dt.date, *, late: bool) -> Line:
    days = abs((item.counts_on - today).days) if item.counts_on else 0
    when = f"已逾期 {days} 天" if late else (f"还剩 {days} 天" if days else "今天到期")
    whose = f"（{item.plan.name}）" if item.escalated_to_id else ""
    text = f"第 {item.ordinal} 项“{digest.quoted(item.problem)}”{whose}：{zh_date(item.counts_on)}到期，{when}"
    return Line(f"item:{item.pk}", text, OVERDUE if late else SOON)


def _read_plans(news: News, rules: RectificationRules) -> None:
    """Who has a plan to hand in, from some days before it is due on; and how many wait for the level above."""
    plans = Plan.objects.filter(campaign=rules.campaign)
    waiting = plans.filter(state=Plan.State.SUBMITTED).values_list("branch").annotate(n=Count("pk")).order_by()
    news.plans.update(_counted(waiting))
    returned = {plan.branch_id: plan for plan in plans.filter(state=Plan.State.RETURNED)}
    for node, plan in returned.items():
        news.own[node].append(Line(f"plan:{plan.round_id}:{node}", "整改提高方案已退回，请修改后重新报送", OWN))
    left = (rules.plan_due_on - news.today).days
    if left > rules.plan_reminder_days:
        return
    when = f"还剩 {left} 天" if left > 0 else ("今天截止" if left == 0 else f"已逾期 {-left} 天")
    first = Round.objects.filter(campaign=rules.campaign).order_by("ordinal").first()
    if first is None or first.state != Round.State.FINAL:
        return
    filed = plans.filter(round=first).exclude(state=Plan.State.DRAFT).values("branch")
    owing = RoundUnit.objects.filter(round=first, graded=True, branch__dissolved_on__isnull=True)
    for node in owing.exclude(branch__in=filed).order_by("branch").values_list("branch", flat=True):
        text = f"报送整改提高方案：{zh_date(rules.plan_due_on)}截止，{when}"
        news.own[node].append(Line(f"plan:{first.pk}:{node}", text, OWN))
