"""评分标准 on pages: the list, drafts to publish, differences, Excel out and in with a look first."""

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches.models import Role, Upload
from grading import rubric_workbook
from grading.models import Rubric
from grading.services import presets, rubrics
from tests.factories.branches import holder, school
from tests.factories.grading import PRESET_2012
from tests.factories.kinds import rubric_of_all_kinds
from tests.grading.pages import page, text
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]


def loaded():
    tree = school()
    presets.load_preset(by=None, path=PRESET_2012)
    return tree


tree = shared(loaded)


@pytest.fixture
def maintainer(signed_in, tree):
    return signed_in(holder(Role.RUBRIC_MAINTAINER, tree.root))


@pytest.fixture
def office(signed_in, tree):
    return signed_in(holder(Role.OFFICE, tree.root))


def send(client, data, name="标准.xlsx"):
    return client.post(page("rubric-import"), {"file": SimpleUploadedFile(name, data)}, follow=True)


def edited(rubric, **cells):
    book = openpyxl.load_workbook(
        io.BytesIO(rubric_workbook.write(rubrics.header_of(rubric), rubrics.items_of(rubric)))
    )
    for place, value in cells.items():
        sheet, cell = place.split("_")
        book[sheet][cell] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def teacher():
    return Rubric.objects.get(code="teacher-2012", version=1)


def test_the_office_sees_drafts_and_who_publishes_them(office, tree):
    said = text(office.get(page("rubrics")))
    assert "4 套 2 个草稿待发布" in said
    assert "现在还没有人担任。请系统管理员在“账号”里点开一位同志的账号，授予“标准管理员”" in said
    assert "从 Excel 导入" not in said
    administrator = holder(Role.ADMINISTRATOR, tree.root)
    assert f"请系统管理员（{administrator.get_full_name()}）在“账号”里" in text(office.get(page("rubrics")))
    keeper = holder(Role.RUBRIC_MAINTAINER, tree.root)
    assert keeper.get_full_name() in text(office.get(page("rubrics")))
    draft = Rubric.objects.get(code="administration-2012")
    shown = text(office.get(page("rubric", draft.pk)))
    assert "合计相符，可以发布" in shown
    assert page("rubric-publish", draft.pk) not in office.get(page("rubric", draft.pk)).content.decode()


def test_without_any_rubric_the_page_says_who_can_bring_one_in(signed_in):
    root = school().root
    said = text(signed_in(holder(Role.OFFICE, root)).get(page("rubrics")))
    assert "还没有评分标准" in said
    assert "新建、导入和发布由标准管理员办理" in said
    offered = text(signed_in(holder(Role.RUBRIC_MAINTAINER, root)).get(page("rubrics")))
    assert ("从 Excel 导入" in offered, "由标准管理员办理" in offered) == (True, False)


def test_a_draft_is_published_from_its_page(maintainer):
    assert "核对草稿：机关党支部分类定级评分参考标准" in text(maintainer.get("/"))
    draft = Rubric.objects.get(code="administration-2012")
    assert "已发布，此版本不再改动" in text(maintainer.post(page("rubric-publish", draft.pk), follow=True))
    assert Rubric.objects.get(pk=draft.pk).published


def test_a_draft_that_does_not_add_up_says_so_and_offers_no_publishing(maintainer):
    draft = rubrics.copy_to_new_version(by=None, rubric=teacher())
    draft.sections.filter(code="A").update(points=14)
    shown = maintainer.get(page("rubric", draft.pk))
    assert "各条目合计 15 分，与本部分 14 分不符" in text(shown)
    assert page("rubric-publish", draft.pk) not in shown.content.decode()
    assert "不符" in text(maintainer.post(page("rubric-publish", draft.pk), follow=True))
    assert not Rubric.objects.get(pk=draft.pk).published


def test_a_figure_nobody_knows_cannot_be_published(maintainer):
    draft = rubric_of_all_kinds(publish=False)
    draft.sections.get(code="B").criteria.filter(code="B3").update(figure="happiness")
    assert "没有这个指标，可以用的有" in text(maintainer.get(page("rubric", draft.pk)))
    draft.sections.get(code="B").criteria.filter(code="B3").update(figure="interview_coverage")
    assert "可以发布" in text(maintainer.get(page("rubric", draft.pk)))


def test_what_is_downloaded_can_be_sent_back_and_changes_nothing(maintainer):
    data = maintainer.get(page("rubric-export", teacher().pk))
    assert data["Content-Type"].endswith("spreadsheetml.sheet")
    answer = send(maintainer, data.content)
    assert "与系统里的最新版本完全相同" in text(answer)
    key = Upload.objects.get().key
    assert "完全相同，不用导入" in text(maintainer.post(page("rubric-import-check", key), follow=True))
    assert Rubric.objects.filter(code="teacher-2012").count() == 1


def test_changes_are_shown_before_a_new_draft_is_written(maintainer):
    answer = send(maintainer, edited(teacher(), 条目_C2="支委齐全", 条目_D2=3, 条目_D3=1))
    said = text(answer)
    assert "还没有写入" in said
    assert "新增 0 条 删除 0 条 修改 2 条" in said
    assert Rubric.objects.filter(code="teacher-2012").count() == 1
    done = maintainer.post(page("rubric-import-check", Upload.objects.get().key), follow=True)
    assert "已存为草稿" in text(done)
    fresh = Rubric.objects.get(code="teacher-2012", version=2)
    assert not fresh.published
    compared = maintainer.get(page("rubric-compare", fresh.pk))
    assert [item.fate.value for item in compared.context["diff"].differing] == ["changed", "changed"]
    assert "第 1 版 → 第 2 版" in text(compared)
    assert maintainer.get(page("rubric-import-check", Upload.objects.get().key)).status_code == 404  # done once


def test_faults_are_listed_by_cell_and_nothing_is_written(maintainer):
    answer = send(maintainer, edited(teacher(), 条目_D2="三分", 项目_C2=None))
    assert answer.status_code == 422
    said = text(answer)
    assert "没能读入，有 2 处要改" in said
    assert "条目 D2 “三分”不是分数" in said
    assert Rubric.objects.filter(code="teacher-2012").count() == 1
    key = Upload.objects.get().key
    assert maintainer.post(page("rubric-import-check", key)).status_code == 422


def test_what_is_no_workbook_is_refused_with_a_sentence(maintainer):
    answer = send(maintainer, b"%PDF-1.4", "标准.xlsx")
    assert "这是 PDF 文件，不是工作簿。" in text(answer)


def test_the_template_becomes_a_rubric_of_its_own(maintainer):
    answer = send(maintainer, maintainer.get(page("rubric-template")).content)
    assert "系统里没有代码为 my-rubric 的标准" in text(answer)
    maintainer.post(page("rubric-import-check", Upload.objects.get().key))
    assert Rubric.objects.get(code="my-rubric").version == 1


def test_a_single_version_has_nothing_to_compare_with(maintainer):
    assert "只有一个版本" in text(maintainer.get(page("rubric-compare", teacher().pk)))
    other = Rubric.objects.get(code="student-2012")
    assert maintainer.get(page("rubric-compare", teacher().pk), {"with": other.pk}).status_code == 404


def test_the_list_asks_the_same_number_of_queries_however_long_it_is(office):
    def asked():
        with CaptureQueriesContext(connection) as found:
            office.get(page("rubrics"))
        return len(found)

    asked()  # the first request of a session asks for more
    first = asked()
    for _ in range(2):
        rubrics.copy_to_new_version(by=None, rubric=teacher())
    assert asked() == first
