"""The preview and the lists."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from reporting.tables import Column, Group, Link, Table, formats, html, lay_out
from reporting.tables.html_list import safe_href
from tests.tables.payloads import MARKUP
from tests.tables.samples import school_sheet, survey_sheet

QUERY = "/branches/?q=%E5%AD%A6%20%E7%94%9F&amp;sort="

LIST = Table(
    slug="branches",
    title="党支部名册",
    columns=(
        Column("chosen", "选择", kind="select", value=lambda row: row["pk"]),
        Column("name", "党支部", row_header=True, sort_key="name", href=lambda row: f"/branches/{row['pk']}/"),
        Column("members", "党员", format=formats.INTEGER, sort_key="members", hide_small=True),
        Column("state", "进度", kind="state", badge=lambda _: "state-ok"),
        Column("grade", "拟定", kind="grade", badge=lambda _: "grade-a"),
        Column("done", "整改", kind="progress"),
        Column("score", "综合", format=formats.DECIMAL2, screen=False),
        Column(
            "acts",
            "操作",
            kind="links",
            value=lambda row: (Link("详情", f"/branches/{row['pk']}/"), Link("坏", "javascript:x")),
        ),
    ),
    row_class=lambda row: "late" if row["members"] == 0 else "",
)
ROW = {
    "pk": 7,
    "name": "甲<b>",
    "members": 20,
    "state": "已完成",
    "grade": "先进",
    "done": (1, 3),
    "score": Decimal(88),
}


def test_a_list_row() -> None:
    markup = html.render_list(
        LIST, [ROW], sort="name", base_url="/branches/", params={"q": "学 生", "page": "3", "sort": "x"}
    )
    head, body = markup.split("<tbody>")
    assert head == (
        '<table class="table table-hover"><caption class="visually-hidden">党支部名册</caption><thead><tr>'
        '<th scope="col"><span class="visually-hidden">选择</span></th>'
        f'<th scope="col" aria-sort="ascending"><a class="th-sort" href="{QUERY}-name">党支部</a></th>'
        f'<th scope="col" class="num hide-sm"><a class="th-sort" href="{QUERY}members">党员</a></th>'
        '<th scope="col">进度</th><th scope="col">拟定</th><th scope="col">整改</th>'
        '<th scope="col"><span class="visually-hidden">操作</span></th></tr></thead>'
    )
    assert body == (
        '<tr><td><input class="form-check-input" type="checkbox" name="chosen" value="7"'
        ' aria-label="选中 甲&lt;b&gt;"></td>'
        '<th scope="row"><a href="/branches/7/">甲&lt;b&gt;</a></th><td class="num hide-sm">20</td>'
        '<td><span class="state state-ok">已完成</span></td><td><span class="grade grade-a">先进</span></td>'
        '<td class="nowrap"><span class="meter">'
        '<progress max="3" value="1" aria-label="整改"></progress>1/3</span></td>'
        '<td class="nowrap"><a href="/branches/7/">详情</a> 坏</td></tr></tbody></table>'
    )


def test_sorted_downwards_turns_upwards() -> None:
    markup = html.render_list(LIST, [], sort="-members", base_url="/b/")
    assert 'aria-sort="descending"><a class="th-sort" href="/b/?sort=members">党员</a>' in markup
    assert '<td class="muted" colspan="7">没有符合条件的记录。</td>' in markup


def test_blanks_and_row_classes() -> None:
    row = {**ROW, "members": 0, "state": None, "grade": None, "done": None}
    markup = html.render_list(LIST, [row])
    assert '<tr class="late">' in markup
    assert markup.count('<span class="muted">—</span>') == 3


def test_two_level_heads_in_a_list() -> None:
    table = Table(
        slug="g",
        title="组",
        columns=(Column("a", "甲"), Group("组", (Column("b", "乙"), Column("c", "丙", screen=False)))),
    )
    assert (
        '<tr><th scope="col" rowspan="2">甲</th><th scope="colgroup" colspan="1">组</th></tr>'
        '<tr><th scope="col">乙</th></tr>' in html.render_list(table, [{"a": 1, "b": 2, "c": 3}])
    )


@pytest.mark.parametrize("payload", MARKUP)
def test_markup_in_values_is_text(payload: str) -> None:
    table = Table(slug="t", title=payload, columns=(Column("a", payload, row_header=True, href=lambda _: payload),))
    shown = html.render_list(table, [{"a": payload}], base_url="/x/", params={"q": payload})
    drawn = html.render_sheet(lay_out(table, [{"a": payload}]))
    for bad in ("<script", "<img", "<link", "<style", "<object", "<iframe", "<svg", "<h1", "javascript:alert(1)'"):
        assert bad not in shown.replace("&lt;", "")
        assert bad not in drawn.body.replace("&lt;", "")


@pytest.mark.parametrize(
    ("href", "safe"),
    [
        ("/a/", "/a/"),
        ("?q=1", "?q=1"),
        ("https://x/", "https://x/"),
        ("tel:1", "tel:1"),
        ("//evil/", ""),
        ("javascript:x", ""),
        (" JaVaScRiPt:x", ""),
        ("java\tscript:x", ""),
        ("data:text/html,x", ""),
    ],
)
def test_links_lead_only_where_links_may(href: str, safe: str) -> None:
    assert safe_href(href) == safe


def test_a_preview_has_heads_spans_and_pages() -> None:
    drawn = html.render_sheet(school_sheet())
    assert drawn.body.count("<section") == 4
    assert drawn.body.count("<thead>") == 4
    assert '<th scope="colgroup"' in drawn.body
    assert "— 4 —" in drawn.body
    assert "style=" not in drawn.body
    assert "width:21.37mm" in drawn.style
    assert drawn.body.count("<h2>") == 1


def test_every_row_of_a_preview_has_its_height() -> None:
    sheet = school_sheet()
    drawn = html.render_sheet(sheet)
    first, stop = sheet.header
    heights = [round(row.height_mm * 100) for row in sheet.rows]
    again = heights[first:stop] * (len(sheet.pages) - 1)
    named = [int(one) for one in re.findall(r'<tr class="zt-h(\d+)">', drawn.body)]
    assert drawn.body.count("<tr") == len(named)
    assert sorted(named) == sorted(heights + again)
    assert all(f".zt-h{one}{{height:{one / 100:.2f}mm}}" in drawn.style for one in named)


def test_a_preview_links() -> None:
    assert '<a href="/branches/7/">甲&lt;b&gt;</a>' in html.render_sheet(lay_out(LIST, [ROW])).body


def test_a_preview_shows_the_code_at_the_foot_of_each_page() -> None:
    sheet = replace(school_sheet(), code_line="表单编码 <K7Q2>")
    assert html.render_sheet(sheet).body.count('<div class="zt-code">表单编码 &lt;K7Q2&gt;</div>') == len(sheet.pages)
    assert "zt-code" not in html.render_sheet(school_sheet()).body


def test_form_labels_are_row_heads() -> None:
    body = html.render_sheet(survey_sheet()).body
    assert '<th scope="rowgroup"' in body
    assert "调\n查\n摸\n底" in body


def test_the_style_is_the_same_for_the_same_layout() -> None:
    first, second = html.render_sheet(survey_sheet()), html.render_sheet(survey_sheet())
    assert first == second
