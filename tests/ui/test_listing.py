"""List pages: filters, search, sort, pages, export, and a constant number of queries."""

import io
from dataclasses import replace

import django_filters
import openpyxl
import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.db.models import F

from branches.listing import BulkAction, ListPage, listing, render_list
from branches.models import AuditEntry, Branch, Role
from reporting.tables import Column, Table, formats
from tests.factories.branches import AccountFactory, BranchFactory, BranchProfileFactory

pytestmark = pytest.mark.django_db


class BranchFilter(django_filters.FilterSet):
    level = django_filters.ChoiceFilter(label="层级", choices=Branch.Level.choices)

    class Meta:
        model = Branch
        fields = ("level",)


PAGE = ListPage(
    slug="sample",
    title="党组织",
    table=Table(
        slug="sample",
        title="党组织",
        columns=(
            Column("code", "编号", sort_key="code", row_header=True),
            Column("position", "顺序", sort_key="position", format=formats.INTEGER),
        ),
    ),
    sorts={"code": ("code",), "position": ("-position",)},
    default_sort="code",
    filters=BranchFilter,
    search=("code",),
    search_label="编号",
    unit="个",
    empty_title="还没有党组织",
    empty_text="先导入名册。",
)


@pytest.fixture
def ask(rf, db):
    def asked(query="", account=None, **posted):
        request = rf.post(f"/x/{query}", posted) if posted else rf.get(f"/x/{query}")
        request.user = account or AccountFactory(role=Role.OFFICE, node=BranchFactory(level=Branch.Level.COMMITTEE))
        request.session = {}
        request._messages = FallbackStorage(request)
        return request

    return asked


def codes(shown):
    return [row.code for row in shown.rows.object_list]


def branches_only():
    return Branch.objects.exclude(level=Branch.Level.COMMITTEE)


def test_filter_search_and_sort_come_from_the_address(ask):
    for number, level in enumerate(("branch", "general_branch", "branch")):
        BranchFactory(code=f"A{number}", level=level, position=number)
    assert codes(listing(ask(), PAGE, branches_only())) == ["A0", "A1", "A2"]
    assert codes(listing(ask("?sort=-code"), PAGE, branches_only())) == ["A2", "A1", "A0"]
    assert codes(listing(ask("?sort=position"), PAGE, branches_only())) == ["A2", "A1", "A0"]
    assert codes(listing(ask("?sort=-position"), PAGE, branches_only())) == ["A0", "A1", "A2"]
    assert codes(listing(ask("?level=branch&sort=nonsense"), PAGE, branches_only())) == ["A0", "A2"]
    assert codes(listing(ask("?q=a1"), PAGE, branches_only())) == ["A1"]


def test_what_is_lacking_stands_last_in_either_direction_on_any_database(ask):
    sorts = {"founded": ("founded",), "term": ("term",), "funds": ("profile__annual_funds",)}
    page = replace(PAGE, sorts=sorts)
    known = {"A0": ("2001-06", 2), "A1": (None, None), "A2": ("1998-06", 1)}
    for code, (month, funds) in known.items():
        branch = BranchFactory(code=code, founded=month)
        BranchProfileFactory(branch=branch, term_ends=month, annual_funds=funds)
    rows = branches_only().filter(code__in=known).annotate(term=F("profile__term_ends"))
    for column in sorts:  # a column of its own, one that is computed, one behind links
        assert codes(listing(ask(f"?sort={column}"), page, rows)) == ["A2", "A0", "A1"]
        assert codes(listing(ask(f"?sort=-{column}"), page, rows)) == ["A0", "A2", "A1"]


def test_chips_say_the_filters_and_drop_them_one_by_one(ask):
    BranchFactory(code="A0")
    shown = listing(ask("?q=A0&level=branch&sort=-code&page=3"), PAGE, branches_only())
    assert [(chip.text, chip.without) for chip in shown.chips] == [
        ("编号含“A0”", "?level=branch&sort=-code"),
        ("层级：党支部", "?q=A0&sort=-code"),
    ]


def test_a_filter_value_that_does_not_exist_is_ignored(ask):
    BranchFactory(code="A0")
    shown = listing(ask("?level=nonsense&page=nonsense"), PAGE, branches_only())
    assert (codes(shown), list(shown.chips)) == (["A0"], [])


def test_the_number_of_queries_does_not_grow(ask, django_assert_num_queries):
    request = ask()
    BranchFactory(code="A0")
    with django_assert_num_queries(2):
        listing(request, PAGE, branches_only())
    BranchFactory(code="A1")
    BranchFactory(code="A2")
    with django_assert_num_queries(2):
        listing(request, PAGE, branches_only())


def test_excel_holds_the_filtered_rows_and_is_audited(ask):
    for number, level in enumerate(("branch", "general_branch", "branch")):
        BranchFactory(code=f"A{number}", level=level, position=number)
    answer = render_list(ask("?level=branch&sort=-code", format="xlsx"), PAGE, branches_only())
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    values = [row[0] for row in sheet.iter_rows(values_only=True)]
    assert [value for value in values if str(value).startswith("A")] == ["A2", "A0"]
    assert AuditEntry.objects.get().summary == "导出列表“党组织”2 行"
    assert "filename*=utf-8''" in answer["Content-Disposition"]


def test_csv_holds_the_filtered_rows(ask):
    BranchFactory(code="A0", position=7)
    answer = render_list(ask("?q=A0", format="csv"), PAGE, branches_only())
    assert "A0,7" in answer.content.decode("utf-8-sig")


def test_export_needs_the_right_to_export(ask):
    outsider = AccountFactory(role=Role.INTERVIEWER, node=BranchFactory())
    with pytest.raises(PermissionDenied):
        render_list(ask(account=outsider, format="csv"), PAGE, Branch.objects.all())


def test_pages_keep_the_filters(ask):
    for number in range(25):
        BranchFactory(code=f"B{number:02d}")
    shown = listing(ask("?q=B&size=20&page=2"), PAGE, branches_only())
    assert codes(shown) == ["B20", "B21", "B22", "B23", "B24"]
    html = render_list(ask("?q=B&size=20"), PAGE, branches_only()).content.decode()
    assert 'href="?page=2&amp;q=B&amp;size=20"' in html
    assert "第 1 至 20 个，共 25 个" in html


def test_empty_list_and_no_result_differ(ask):
    empty = render_list(ask(), PAGE, Branch.objects.none()).content.decode()
    assert "还没有党组织" in empty
    assert "先导入名册。" in empty
    BranchFactory(code="A0")
    nothing = render_list(ask("?q=zzz"), PAGE, branches_only()).content.decode()
    assert "没有符合条件的党组织" in nothing
    assert "去掉“编号含“zzz””" in nothing


def test_too_many_rows_are_not_exported_at_once(ask, monkeypatch):
    monkeypatch.setattr("branches.listing.EXPORT_LIMIT", 1)
    BranchFactory(code="A0")
    BranchFactory(code="A1")
    answer = render_list(ask("?sort=code", format="csv"), PAGE, branches_only())
    assert (answer.status_code, answer["Location"]) == (302, "/x/?sort=code")
    assert not AuditEntry.objects.filter(action="list.csv").exists()
    assert render_list(ask("?q=A1", format="csv"), PAGE, branches_only()).status_code == 200


def test_rows_can_be_picked_for_an_action(ask):
    pick = Column("pick", "选择", kind="select", value=lambda row: row.pk, export=False)
    table = Table(slug="picked", title="党组织", columns=(pick, *PAGE.table.columns))
    page = replace(PAGE, table=table, bulk=(BulkAction("打印", "branches", "打印所选。"),))
    BranchFactory(code="A0")
    html = render_list(ask(), page, branches_only()).content.decode()
    assert 'aria-label="选中 A0"' in html
    assert 'formaction="/branches/"' in html
    assert 'data-confirm-verb="打印"' in html
