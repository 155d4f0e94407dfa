"""The form that asks for an export: annex, round, unit, branch, format."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse

from branches import clock
from branches.forms_base import ZhForm
from branches.models import Branch
from branches.scopes import Scope
from grading.models import Round, RoundUnit
from reporting.annexes.facts import DIRECT
from reporting.making.kinds import BY_SLUG, Kind, named
from reporting.making.orders import Order
from reporting.models import Export
from reporting.services.requests import Wish

Level = Branch.Level
FORMATS = ((Export.Format.XLSX, "Excel，可再编辑"), (Export.Format.PDF, "PDF，用于打印盖章"))
MERGED = "merged"
WHOLE = "全校"
ALL_BRANCHES = ""


class Offer:
    """What an account may export of one round: the round's units within its reach, read once."""

    def __init__(self, reach: Scope, round_: Round | None) -> None:
        """Read the units of the round that `reach` holds."""
        self.round = round_
        self.units: list[RoundUnit] = []
        if round_ is not None:
            rows: QuerySet[Any] = round_.units.all()
            self.units = list(rows.within(reach).only("branch_id", "name", "parent_id", "parent_name", "direct"))  # type: ignore[attr-defined]
        parents = {unit.parent_id for unit in self.units}
        root = round_.campaign.root_id if round_ is not None else None  # reached also where no branch is its own
        nodes = Branch.objects.within(reach).filter(pk__in=parents | {root})
        self.reached = set(nodes.values_list("pk", flat=True))

    def parents(self, kind: Kind) -> list[tuple[str, str]]:
        """Return the units to choose from, larger ones first; a secretary's own branch where nothing is larger."""
        found: dict[int, str] = {}
        root = self.round.campaign.root_id if self.round else None
        for unit in self.units:
            if unit.parent_id in self.reached and unit.parent_id != root:
                found.setdefault(unit.parent_id, unit.parent_name)
        whole = [(str(root), WHOLE)] if root in self.reached and self.units else []
        groups = [(str(pk), name) for pk, name in found.items() if pk != root]
        lone = [unit for unit in self.units if unit.parent_id not in self.reached]
        if whole and Level.BRANCH in kind.levels and any(unit.parent_id == root for unit in self.units):
            groups.append(("direct", DIRECT))
        own = [(f"branch-{unit.branch_id}", unit.name) for unit in lone] if Level.BRANCH in kind.levels else []
        return whole + groups + own

    def branches(self, chosen: str) -> list[tuple[str, str]]:
        """Return the branches of a chosen 党总支, or the direct ones."""
        root = str(self.round.campaign.root_id) if self.round else ""
        wanted = root if chosen == "direct" else chosen
        rows = [unit for unit in self.units if str(unit.parent_id) == wanted and chosen != root]
        return [(str(unit.branch_id), unit.name) for unit in rows]

    def count(self, chosen: str, kind: Kind) -> int:
        """Return how many documents there are for the chosen unit."""
        root = self.round.campaign.root_id if self.round else None
        rows = self.units if chosen == str(root) else [u for u in self.units if str(u.parent_id) == chosen]
        if kind.slug == "annex5":
            return len({unit.general_branch_name for unit in rows})
        return len(rows)


class ExportForm(ZhForm):
    """One request. Choices depend on what is chosen above them; the page fetches the form again on a change."""

    kind = forms.ChoiceField(label="报表")
    round = forms.ChoiceField(label="评定轮次")
    unit = forms.ChoiceField(label="范围")
    branch = forms.ChoiceField(label="党支部", required=False)
    each = forms.BooleanField(label="每个党总支各一份", required=False)
    format = forms.ChoiceField(label="格式", choices=FORMATS, widget=forms.RadioSelect, initial=Export.Format.XLSX)

    def __init__(self, *args: Any, reach: Scope, rounds: Sequence[Round], **kwargs: Any) -> None:
        """Fill the choices for what is chosen so far."""
        super().__init__(*args, **kwargs)
        self.reach, self.rounds = reach, list(rounds)
        wanted = str(self._so_far("round"))
        self.chosen_round = next((r for r in self.rounds if str(r.pk) == wanted), next(iter(self.rounds), None))
        self.offer = Offer(reach, self.chosen_round)
        known = named(self.chosen_round) if self.chosen_round else BY_SLUG
        kinds = [kind for kind in known.values() if self.offer.parents(kind) and self._has(kind)] or [known["annex5"]]
        asked = known.get(str(self._so_far("kind")))
        self.chosen_kind = asked if asked in kinds else kinds[0]
        self.fields["kind"].choices = [(kind.slug, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        self._fill()

    def _so_far(self, name: str) -> Any:
        return self.data.get(self.add_prefix(name)) if self.is_bound else self.initial.get(name)

    def _fill(self) -> None:
        several = len({row.campaign_id for row in self.rounds}) > 1
        labels = [(str(r.pk), f"{r.campaign} {r.name}" if several else r.name) for r in self.rounds]
        self.fields["round"].choices = labels  # type: ignore[attr-defined]
        units = self.offer.parents(self.chosen_kind)
        self.fields["unit"].choices = units  # type: ignore[attr-defined]
        keys = [key for key, _ in units]
        self.chosen_unit = next((k for k in keys if k == str(self._so_far("unit"))), keys[0] if keys else "")
        branches = self.offer.branches(self.chosen_unit) if Level.BRANCH in self.chosen_kind.levels else []
        if branches:
            how_many = "" if self.chosen_kind.one else f"（{len(branches)} 份）"
            first = (ALL_BRANCHES, f"全部党支部{how_many}")
            rest = branches if self.chosen_unit == "direct" else [first, *branches]
            self.fields["branch"].choices = rest  # type: ignore[attr-defined]
        else:
            del self.fields["branch"]
        if not self._offers_each():
            del self.fields["each"]
        self._fill_formats()

    def _fill_formats(self) -> None:
        """Offer a file, or files of several documents, as what is chosen so far gives one or many."""
        formats = self._bundle_formats() if self._gives_many() else FORMATS
        self.fields["format"].choices = formats  # type: ignore[attr-defined]
        if self._so_far("format") not in dict(formats):
            self.initial["format"] = formats[0][0]

    def _has(self, kind: Kind) -> bool:
        return self.chosen_round is None or kind.available(self.chosen_round)

    def _gives_many(self) -> bool:
        if Level.BRANCH not in self.chosen_kind.levels:
            return self._offers_each() and bool(self._so_far("each"))
        return not self._single_unit() and not self._chosen_branch()

    def _single_unit(self) -> bool:
        return self.chosen_unit in ("", "direct") or self.chosen_unit.startswith("branch-")

    def _chosen_branch(self) -> str:
        """Return the key of the branch chosen so far, "" for all; of 直属党支部 the first stands chosen."""
        chosen, keys = str(self._so_far("branch") or ""), [key for key, _ in self.offer.branches(self.chosen_unit)]
        shown = keys[:1] if self.chosen_unit == "direct" and not self.is_bound else []
        return chosen if chosen in keys else "".join(shown)

    def _bundle_formats(self) -> tuple[tuple[str, str], ...]:
        each = self.chosen_kind.each
        marks = "党总支" if each == "党总支" else f"党总支和{each}"
        return (
            (MERGED, f"PDF，合订成一个文件，按{marks}加书签"),
            (Export.Format.PDF, f"PDF，每个{each}一个文件，打成压缩包"),
            (Export.Format.XLSX, f"Excel，每个{each}一个文件，打成压缩包"),
        )

    def _offers_each(self) -> bool:
        root = str(self.chosen_round.campaign.root_id) if self.chosen_round else ""
        return self.chosen_kind.slug == "annex5" and self.chosen_unit == root

    @property
    def hint(self) -> str:
        """Return how many documents would be made, "" for a single one."""
        if not self.chosen_round or self._single_unit() or self.chosen_kind.one:
            return ""
        count = self.offer.count(self.chosen_unit, self.chosen_kind)
        if self.chosen_kind.slug == "annex5":
            return f"勾选后共 {count} 份" if self._offers_each() else ""
        return "" if self._chosen_branch() else f"共 {count} 份"

    @property
    def preview_url(self) -> str:
        """Return where the chosen document can be seen first; "" where several would come of it."""
        if self.chosen_round is None:
            return ""
        chosen = self.chosen_unit.removeprefix("branch-")
        if Level.BRANCH in self.chosen_kind.levels and not self.chosen_unit.startswith("branch-"):
            chosen = self._chosen_branch()
        if not chosen.isdigit():
            return ""
        return reverse("annex-preview", args=[self.chosen_kind.slug, self.chosen_round.pk, int(chosen)])

    def node(self) -> Branch | None:
        """Return the chosen node, once the form is valid; None when it has gone."""
        chosen = self.cleaned_data.get("branch") or self.cleaned_data["unit"].removeprefix("branch-")
        return Branch.objects.filter(pk=int(chosen)).first() if chosen.isdigit() else None

    def clean(self) -> dict[str, Any]:
        """Refuse 直属党支部 without a branch: they have no unit of their own."""
        cleaned = super().clean() or {}
        if cleaned.get("unit") == "direct" and not cleaned.get("branch"):
            self.add_error("branch" if "branch" in self.fields else "unit", "请选择一个直属党支部。")
        return cleaned

    def order(self) -> Order:
        """Return the order of a valid form. Raises Branch.DoesNotExist when the unit has gone meanwhile."""
        node = self.node()
        if node is None or self.chosen_round is None:
            raise Branch.DoesNotExist
        each, chosen = bool(self.cleaned_data.get("each")), self.cleaned_data["format"]
        merged = chosen == MERGED
        return Order(self.chosen_kind, self.chosen_round, node, Export.Format.PDF if merged else chosen, each, merged)


def wish_for(order: Order, name: str) -> Wish:
    """Return the request for an order: a zip, or a bound PDF, where many documents come of it; `name` is the unit's."""
    params: dict[str, Any] = {"round": order.round.pk}
    if order.one:
        params |= {"one": order.one}
    if order.kind.dated:  # what is overdue today is not what was yesterday
        params["day"] = clock.today().isoformat()
    several = ""
    if order.bundled:
        params |= {"inner": order.format, "each": order.each, "merged": order.merged}
        several = "，合订" if order.merged else f"，每个{order.kind.each}一份"
    zipped = order.bundled and not order.merged
    return Wish(
        kind=order.kind.slug,
        format=Export.Format.ZIP if zipped else order.format,
        unit=order.unit,
        title=order.kind.label,
        scope_summary=f"{name}{several}，{order.round.name}",
        params=params,
    )
