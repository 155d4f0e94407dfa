"""Template side of `branches.wording` and `branches.charts`: filters for words, tags for components."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms, template
from django.db import models
from django.forms.boundfield import BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from branches import charts, clock, registries, wording
from branches.flow_chart import Flow
from branches.forms_base import control_class, plain_label

register = template.Library()

register.filter("score1", wording.score1)
register.filter("score2", wording.score2)
register.filter("score", wording.fixed)
register.filter("signed1", wording.signed1)
register.filter("pct1", wording.pct1)
register.filter("points", wording.points)
register.filter("spaced_name", wording.spaced_name)
register.filter("file_size", wording.file_size)


def _local(moment: dt.date | dt.datetime | None) -> dt.date | dt.datetime | None:
    return timezone.localtime(moment) if isinstance(moment, dt.datetime) and timezone.is_aware(moment) else moment


def _day(moment: dt.date | dt.datetime | None) -> dt.date | None:
    local = _local(moment)
    return local.date() if isinstance(local, dt.datetime) else local


@register.filter
def zh_date(day: dt.date | dt.datetime | None) -> str:
    """2012年3月30日."""
    return wording.zh_date(_day(day))


@register.filter
def zh_short_date(day: dt.date | dt.datetime | None) -> str:
    """10月12日 within this year, otherwise in full."""
    return wording.zh_short_date(_day(day), clock.today())


@register.filter
def zh_weekday(day: dt.date) -> str:
    """星期四."""
    return wording.zh_weekday(day)


@register.filter
def zh_moment(moment: dt.datetime | None) -> str:
    """今天 15:02, or the short date with the time."""
    return wording.zh_moment(timezone.localtime(moment) if moment else None, clock.now())


@register.simple_tag
def zh_range(first: dt.date | None, last: dt.date | None) -> str:
    """9月17日至28日."""
    return wording.zh_range(_day(first), _day(last), clock.today())


@register.simple_tag
def due(deadline: dt.date | dt.datetime, *, state: bool = False) -> SafeString:
    """A deadline in words; `state=True` draws a late one as the diamond of `.state`."""
    local = _local(deadline)
    said = wording.due_words(local, clock.today()) if local else wording.Due(wording.MISSING)
    if state and said.level == "late":
        return format_html('<span class="state state-bad">{}</span>', said.text)
    return format_html('<span class="due{}">{}</span>', f" due-{said.level}" if said.level else "", said.text)


@register.simple_tag
def state(kind: str, words: str) -> SafeString:
    """Progress as shape and word. Kinds: todo (hollow), info (half), ok (dot), warn (triangle), bad (diamond)."""
    return format_html('<span class="state{}">{}</span>', "" if kind == "todo" else f" state-{kind}", words)


@register.inclusion_tag("components/grade.html")
def grade(label: str | None, rank: int | None, steps: int, *, hand: str = "", large: bool = False) -> dict[str, Any]:
    """A grade badge by rank (1 is best) on a scale of `steps`; without a rank 未评. `hand`: 人工, 门槛, 否决."""
    letter = wording.rank_letter(rank, steps) if rank else "none"
    return {"label": label or "未评", "letter": letter, "hand": hand, "large": large}


@register.inclusion_tag("components/dist.html")
def dist(shares: Iterable[charts.Share], *, small: bool = False) -> dict[str, Any]:
    """A distribution bar of `charts.Share`."""
    parts = list(shares)
    return {"segments": charts.segments(parts), "spoken": charts.spoken(parts), "small": small}


@register.inclusion_tag("components/dist_key.html")
def dist_key(shares: Iterable[charts.Share], *, counts: bool = False) -> dict[str, Any]:
    """The legend of a distribution bar."""
    return {"shares": shares, "counts": counts}


@register.inclusion_tag("components/meter.html")
def meter(done: int, total: int, label: str, url: str = "") -> dict[str, Any]:
    """A share of work with n/m; `url` opens the list of what is done."""
    return {"done": done, "total": total, "label": label, "url": url}


@register.inclusion_tag("components/gantt.html")
def gantt(timeline: charts.Timeline) -> dict[str, Any]:
    """The stages of a campaign on a month axis."""
    return {"timeline": timeline}


@register.inclusion_tag("components/burn_down.html")
def burn_down(chart: charts.BurnDown, left_url: str = "", total_url: str = "", should_url: str = "") -> dict[str, Any]:
    """Draw what is left to do, as planned and as it came; the addresses open the lists of the three figures."""
    return {"chart": chart, "left_url": left_url, "total_url": total_url, "should_url": should_url}


@register.inclusion_tag("components/scale.html")
def scale_bar(scale: charts.Scale) -> dict[str, Any]:
    """A score on the cut-offs."""
    return {"scale": scale}


@register.inclusion_tag("components/flow.html")
def flow_chart(flow: Flow) -> dict[str, Any]:
    """Streams between two distributions."""
    return {"flow": flow}


@register.inclusion_tag("components/asides.html", takes_context=True)
def asides(context: Context, thing: models.Model, *, brief: bool = False) -> dict[str, Any]:
    """Draw the panels that upper apps have about a row that is judged here; `brief` names them in a line each."""
    request = context["request"]
    return {"panels": registries.asides_for(thing, request.user, clock.now()), "brief": brief, "thing": thing}


@register.inclusion_tag("components/stepper.html")
def stepper(
    name: str, value: Decimal | str | None, *, full: Decimal, step: Decimal, label: str, **more: str
) -> dict[str, Any]:
    """Points in steps. More: id, labelled_by, described_by, invalid, tally."""
    given = {
        "id": f"id_{name}",
        "labelled_by": "",
        "described_by": "",
        "invalid": "",
        "tally": "",
        "label": label,
    } | more
    shown = wording.score1(value) if isinstance(value, Decimal | int) else (value or "")
    return given | {"name": name, "value": shown, "full": wording.points(full), "step": wording.points(step)}


@register.inclusion_tag("components/crumbs.html")
def crumbs(here: str, *pairs: str) -> dict[str, Any]:
    """The path: `{% crumbs "自评表" "工作台" url "再次评定" url2 %}`."""
    return {"here": here, "crumbs": list(zip(pairs[::2], pairs[1::2], strict=True))}


@register.inclusion_tag("components/kv.html")
def kv(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Facts in pairs."""
    return {"pairs": pairs}


@register.simple_block_tag
def panel(content: str, title: str, *, id: str, **more: Any) -> SafeString:  # noqa: A002 - the attribute's name
    """A panel with its heading. More: aside, foot, extra (classes), flush (no padding: for tables and lists)."""
    return render_to_string("components/panel.html", {"content": content, "title": title, "id": id} | more)


@register.simple_block_tag
def notice(content: str, title: str, level: str = "") -> SafeString:
    """What happened and what to do; level warn or bad, empty for information."""
    return render_to_string("components/notice.html", {"content": content, "title": title, "level": level})


@register.simple_block_tag
def empty(content: str, title: str, text: str) -> SafeString:
    """Why there is nothing, with buttons for the next step."""
    return render_to_string("components/empty.html", {"content": content, "title": title, "text": text})


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """The present query string with changes; an empty value drops the key. Always begins with `?`."""
    given = context["request"].GET.copy()
    for key, value in changes.items():
        given.pop(key, None)
        if value not in (None, ""):
            given[key] = value
    return f"?{urlencode(sorted(given.lists()), doseq=True)}"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether the field is one tick box."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_choice_group(field: BoundField) -> bool:
    """Whether the field is a group of radio buttons or tick boxes."""
    return isinstance(field.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


@register.filter
def is_wide(field: BoundField) -> bool:
    """Whether the field needs the whole width."""
    return isinstance(field.field.widget, forms.Textarea)


@register.filter
def zh_widget(field: BoundField) -> SafeString:
    """The control with its classes, its hint and its error tied to it for the screen reader."""
    name = control_class(field.field.widget)
    attributes: dict[str, str | bool] = {}
    if name:
        own = field.field.widget.attrs.get("class", "")
        attributes["class"] = " ".join(filter(None, [own, name, "is-invalid" if field.errors else ""]))
    notes = [f"{field.auto_id}_hint"] if field.help_text else []
    if field.errors:
        notes.append(f"{field.auto_id}_error")
    if notes:
        attributes["aria-describedby"] = " ".join(notes)
    return field.as_widget(attrs=attributes)


@dataclass(frozen=True, slots=True)
class ErrorLink:
    """An error with the id of the control it is about; no target for an error of the whole form."""

    text: str
    target: str = ""


@register.filter
def error_links(form: forms.BaseForm) -> list[ErrorLink]:
    """All errors of a bound form, those of the whole form first, each naming its field."""
    if not form.is_bound:
        return []
    links = [ErrorLink(str(error)) for error in form.non_field_errors()]
    for field in form:
        target = field.id_for_label or f"{field.auto_id}_0"
        for error in field.errors:
            text = str(error) if plain_label(str(field.label)) in str(error) else f"{field.label}：{error}"
            links.append(ErrorLink(text, target))
    return links
