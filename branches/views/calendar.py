"""放假安排: which years the working days are known for, and entering one the shipped calendar does not know yet."""

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock
from branches.forms.calendar import YearForm
from branches.models import CalendarDay, CalendarYear
from branches.permissions import Action, account_of, requires
from branches.services import calendar
from branches.workdays import FIRST_YEAR, LAST_YEAR


@requires(Action.MANAGE_CAMPAIGN)
@require_http_methods(["GET", "POST"])
def calendar_page(request: HttpRequest) -> HttpResponse:
    """Show the years entered here; POST enters one, replacing what was there."""
    wanted = request.GET.get("year", "")
    years = list(CalendarYear.objects.select_related("recorded_by__person").order_by("-year"))
    year = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) == 4 else _next_year(years)
    form = YearForm(request.POST or None, initial=_initial(year))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            calendar.record_year(by=account_of(request), now=clock.now(), **given)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已登记{given['year']}年放假安排。")
            return redirect(f"{reverse('calendar')}?year={given['year']}")
    counts = {row.year: [0, 0] for row in years}
    for day, working in CalendarDay.objects.values_list("day", "working"):
        counts.setdefault(day.year, [0, 0])[working] += 1
    context = {
        "form": form,
        "rows": [(row, *counts[row.year]) for row in years],
        "first": FIRST_YEAR,
        "last": LAST_YEAR,
        "year": year,
        "known_here": any(row.year == year for row in years),
        "shipped": FIRST_YEAR <= year <= LAST_YEAR,
    }
    return render(request, "branches/calendar.html", context, status=422 if form.is_bound else 200)


def _next_year(years: list[CalendarYear]) -> int:
    """Return the first year from this one on that nobody knows."""
    known = {row.year for row in years}
    year = max(clock.today().year, LAST_YEAR + 1)
    while year in known and year < 2100:
        year += 1
    return year


def _initial(year: int) -> dict[str, object]:
    days = list(CalendarDay.objects.filter(day__year=year).order_by("day"))
    row = CalendarYear.objects.filter(year=year).first()
    return {
        "year": year,
        "document": row.document if row else "",
        "free": _text([(one.day, one.name) for one in days if not one.working]),
        "worked": _text([(one.day, one.name) for one in days if one.working]),
    }


def _text(days: list[tuple[dt.date, str]]) -> str:
    """Write days as they are typed, runs of one name joined."""
    lines: list[list[tuple[dt.date, str]]] = []
    for day, name in days:
        if lines and lines[-1][-1] == (day - dt.timedelta(days=1), name):
            lines[-1].append((day, name))
        else:
            lines.append([(day, name)])
    written = []
    for run in lines:
        first, last, name = run[0][0], run[-1][0], run[0][1]
        span = f"{first.month}月{first.day}日" + (f"至{last.month}月{last.day}日" if last != first else "")
        written.append(f"{span} {name}")
    return "\n".join(written)


@requires(Action.MANAGE_CAMPAIGN)
@require_POST
def calendar_drop(request: HttpRequest, year: int) -> HttpResponse:
    """Take a year out again."""
    calendar.drop_year(by=account_of(request), year=year)
    messages.success(request, f"已删除{year}年的登记。")
    return redirect("calendar")
