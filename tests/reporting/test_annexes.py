# ruff: noqa: E501, N817 - rows stand as they are printed
"""附件2 to 附件5 against rows worked out by hand, and one rendering against the other."""

import io
from dataclasses import replace
from decimal import Decimal as D

import openpyxl
import pypdf
import pytest

from branches.wording import without_unit
from reporting.annexes import annex4, annex5, facts, scoring_sheet, wording
from reporting.tables import Sheet, pdf, xlsx
from tests.reporting import samples
from tests.tables.parity import assert_parity

EMPTY = facts.Annex4(
    round=samples.ROUND, result=replace(samples.DIRECT, scores=(None,) * 4, composite=None, valid=None, category="教师"),
    parent="清源师范学院党委", founded=None, last_election=None, term_ends=None, secretary=facts.Secretary(), committee="",
    counts=(None,) * 10, findings=(), annual="", ballots=facts.Ballots(), problems="", goal="",
)  # fmt: skip


def rows(sheet: Sheet, band: str) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in sheet.rows if row.band == band]


def texts(sheet: Sheet) -> list[str]:
    return [cell.text for cell in sheet.cells]


@pytest.fixture(scope="module")
def twelve() -> Sheet:
    return annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP)[0]


@pytest.fixture(scope="module")
def school() -> list[Sheet]:
    return annex5.sheets(samples.SCHOOL, samples.STAMP)


def test_annex5_head_has_two_levels_and_the_grades_are_called_dengji(twelve):
    upper, lower = rows(twelve, "header")
    assert upper == [
        "序号", "党支部名称", "类别", "书记\n姓名", "党员数", "得　　分", "满意率\n（%）", "等　　级", "一票\n否决", "主要问题",
        "晋位\n目标", "备注",
    ]  # fmt: skip
    assert lower == [
        "合计", "正式", "预备", "自评", "群众\n评议", "年度\n考核", "党总支\n考评", "综合", "支部\n自评", "党总支\n拟定",
        "党委\n审定",
    ]  # fmt: skip
    assert not any("等次" in text for text in texts(twelve))


def test_annex5_rows_show_two_places_spaced_names_and_leave_the_committee_blank_for_the_pen(twelve):
    body = rows(twelve, "body")
    assert body[0] == [
        "1", "数学与计算机科学学院数学系教工党支部", "教师", "杨静娟", "7", "5", "2", "74.50", "81.43", "70.00", "69.50",
        "72.99", "71.43", "一般", "一般", "", "无", "支委未配齐，分工不明确", "较好", "",
    ]  # fmt: skip
    assert body[2][3] == "黄　锋"
    assert len(body) == 12


def test_annex5_has_no_column_for_proposals_nobody_makes_and_composites_as_the_round_rounds_them():
    whole = replace(samples.GENERAL_BRANCH.round, proposes=False, places=0)
    given = [replace(row, composite=D(73)) for row in samples.GENERAL_BRANCH.rows]
    sheet = annex5.sheets(replace(samples.GENERAL_BRANCH, round=whole, rows=tuple(given)), samples.STAMP)[0]
    _, lower = rows(sheet, "header")
    assert lower[-2:] == ["支部\n自评", "党委\n审定"]
    assert rows(sheet, "body")[0][11:16] == ["73", "71.43", "一般", "", "无"]


def test_annex5_total_is_computed_from_the_whole(twelve):
    assert rows(twelve, "total") == [
        [
            "合计（12个支部）", "249", "168", "81", "80.21", "87.35", "78.33", "77.54", "80.20", "83.58",
            "先进1　较好6　一般5　后进0",
        ]
    ]  # fmt: skip


def test_annex5_closes_with_statistics_a_block_and_three_signatures(twelve):
    closing = rows(twelve, "closing")
    assert closing[0] == [
        "合计：支部 12 个，其中先进 1 个（8.33%）、较好 6 个（50.00%）、一般 5 个（41.67%）、后进 0 个（0.00%）。"
    ]
    assert closing[1:5] == [
        ["类别＼等级", "先进", "较好", "一般", "后进", "小计"],
        ["教师", "0", "2", "3", "0", "5"],
        ["学生", "1", "4", "2", "0", "7"],
        ["合计", "1", "6", "5", "0", "12"],
    ]
    assert closing[5] == ["党总支书记（签字）：", "审核人：", "制表人："]


def test_annex5_takes_three_branches_over_with_the_totals(twelve):
    (_, first_stop), (start, _) = twelve.pages
    on_second = [row.cells[0].text for row in twelve.rows[start:] if row.band == "body"]
    assert first_stop == start
    assert on_second == ["10", "11", "12"]


def test_annex5_of_four_branches_is_one_page_even_where_problems_take_three_lines():
    """A little too long for a page, it once left one branch on the first and three with the totals on the second."""
    long = "支委会未单设纪检委员，分工不够明确"
    bare = {
        "scores": (None, D(88), D(85), None),
        "composite": None,
        "self_grade": "",
        "proposed_grade": "",
        "problem": "",
    }
    four = [
        replace(samples.TWELVE[number], problem=long) if number % 2 else replace(samples.TWELVE[number], **bare)
        for number in range(2, 6)
    ]
    sheet = annex5.sheets(
        facts.Annex5(samples.ROUND, samples.MATHS, tuple(four), heading=samples.HEAD5), samples.STAMP
    )[0]
    assert len(sheet.pages) == 1
    assert [row.height_mm for row in sheet.rows if row.band == "body"] == pytest.approx([10.38, 14.37] * 2)
    every = tuple(replace(row, problem=long) for row in four)
    assert len(annex5.sheets(facts.Annex5(samples.ROUND, samples.MATHS, every), samples.STAMP)[0].pages) == 1


def test_annex5_rounds_an_average_once_from_exact_figures():
    third = D(1) / 3
    exact = [replace(samples.TWELVE[0], composite=D("80.00"), exact=D(80) + third) for _ in range(3)]
    sheet = annex5.sheets(replace(samples.GENERAL_BRANCH, rows=tuple(exact)), samples.STAMP)[0]
    assert rows(sheet, "body")[0][11] == "80.00"
    assert rows(sheet, "total")[0][8] == "80.33"


def test_annex5_of_the_school_merges_the_unit_and_leaves_its_name_out_of_the_branch(school):
    body = rows(school[0], "body")
    assert body[0][:3] == [samples.MATHS, "1", "数学系教工党支部"]
    assert body[1][:2] == ["2", "计算机系教工党支部"]
    continued = [cell.text for cell in school[0].cells if cell.text.endswith("（续）")]
    assert continued == [f"{samples.MATHS}（续）"]


def test_annex5_of_the_school_has_a_dash_where_no_general_branch_proposes(school):
    direct = rows(school[0], "body")[-1]
    assert direct[0] == "直属党支部"
    assert direct[14:17] == ["一般", "—", "较好"]


def test_annex5_of_the_school_adds_up_by_unit(school):
    totals = rows(school[0], "total")
    assert [row[0] for row in totals] == ["小计（12个支部）", "小计（3个支部）", "小计（1个支部）", "合计（16个支部）"]
    assert totals[1][4:] == ["79.50", "87.28", "75.00", "77.17", "79.22", "84.48", "先进0　较好2　一般1　后进0"]


def test_the_overview_has_one_line_for_each_unit_on_one_page(school):
    overview = school[1]
    assert overview.title == "清源师范学院党支部分类定级情况统计（按党总支）"
    assert overview.name == "附件5（小计）"
    body = rows(overview, "body")
    assert body[0] == [
        "1", samples.MATHS, "12", "249", "168", "81", "1", "6", "5", "0", "8.33", "58.33", "80.20", "83.58",
    ]  # fmt: skip
    assert rows(overview, "total")[0][0:2] == ["合　计", "16"]
    assert len(overview.pages) == 1


def test_21_units_fit_the_overview_on_one_page():
    many = [replace(samples.TWELVE[0], group=f"第{number}学院党总支") for number in range(21)]
    overview = annex5.sheets(replace(samples.SCHOOL, rows=tuple(many)), samples.STAMP)[1]
    assert len(overview.pages) == 1


def test_branches_without_a_grade_are_counted_as_such():
    open_row = replace(samples.TWELVE[0], proposed_grade="")
    sheet = annex5.sheets(replace(samples.GENERAL_BRANCH, rows=(open_row, samples.TWELVE[1])), samples.STAMP)[0]
    assert rows(sheet, "total")[0][-1] == "先进0　较好1　一般0　后进0　未定1"
    closing = rows(sheet, "closing")
    assert closing[0][0].endswith("、未定级 1 个（50.00%）。")
    assert closing[1] == ["类别＼等级", "先进", "较好", "一般", "后进", "未定", "小计"]


def test_annex4_fills_every_cell_on_two_pages_and_breaks_before_the_goal():
    sheet = annex4.sheets(samples.FORM, facts.Stamp("2012年3月28日"))[0]
    assert len(sheet.pages) == 2
    assert sheet.rows[sheet.pages[1][0]].cells[0].text == "晋位升级\n目标与\n主要措施"
    shown = texts(sheet)
    for expected in (
        "附件4", "清源师范学院党支部调查摸底与分类定级表", "填报单位（盖章）：外国语学院英语本科低年级学生党支部", "填报时间：2012年3月28日",
        "柯　虹", "2006年9月", "1984.07", "☐好　☑一般　☐差", "92.68%", "85.00", "党总支考评\n（40%）",
        "自评得分 87.00 分，自评等级：较好。", "综合得分 87.17 分，群众满意率 92.68%，无一票否决情形，拟定等级：较好。",
        "注：1．支部类别、情况在☐内打“√”；等级填写先进、较好、一般、后进。",
    ):  # fmt: skip
        assert expected in shown
    assert "☐教师　　☑学生　　☐机关　　☐离退休　　☐师生联合" in shown


def test_annex4_leaves_the_committee_to_the_pen_and_says_how_the_general_branch_decided():
    decided = replace(samples.FORM, decision="经总支委员会2012年3月29日研究，定级为较好。")
    assert annex4.superior_opinion(decided).endswith("拟定等级：较好。经总支委员会2012年3月29日研究，定级为较好。")
    assert annex4.values(decided)["committee_opinion"] == ""


def test_annex4_finds_the_self_assessment_wherever_it_stands_among_the_sources():
    turned = replace(samples.ROUND, sources=samples.ROUND.sources[::-1], places=1)
    result = replace(samples.FORM.result, scores=samples.FORM.result.scores[::-1])
    form = replace(samples.FORM, round=turned, result=result)
    assert annex4.self_opinion(form) == annex4.self_opinion(samples.FORM) == "自评得分 87.00 分，自评等级：较好。"
    assert annex4.superior_opinion(form).startswith("综合得分 87.2 分，")
    none = replace(turned, sources=turned.sources[:-1])  # no 自评 among the sources that count
    assert annex4.self_opinion(replace(form, round=none, result=replace(result, scores=result.scores[:-1]))) == ""


def test_annex4_of_a_round_without_a_survey_has_no_rows_for_it():
    sheet = annex4.sheets(replace(EMPTY, round=replace(samples.ROUND, checks=())), facts.Stamp("2012年3月28日"))[0]
    shown = texts(sheet)
    assert not [text for text in shown if "检查内容" in text or "调查摸底" in text]
    assert "年度考核\n结　　果" in shown


def test_annex4_of_a_direct_branch_without_any_facts_shows_dashes_and_blank_opinions():
    sheet = annex4.sheets(EMPTY, facts.Stamp("2012年3月28日"))[0]
    shown = texts(sheet)
    assert "直属党支部" in shown
    assert "考 评 组\n意　　见" in shown
    assert annex4.self_opinion(EMPTY) == ""
    assert shown.count("☐好　☐一般　☐差") == 7
    assert "0" not in shown


def test_annex4_with_long_texts_keeps_to_two_pages():
    long = replace(
        samples.FORM, problems="\n".join(f"{n}．这是一条比较长的问题描述，用来把第一页撑满。" for n in range(1, 10))
    )
    assert len(annex4.sheets(long, facts.Stamp("2012年3月28日"))[0].pages) == 2


def test_annex4_with_seven_findings_of_two_lines_still_has_its_problems_on_the_first_page():
    findings = tuple(replace(finding, note=finding.note * 2) for finding in samples.FORM.findings)
    sheet = annex4.sheets(replace(samples.FORM, findings=findings), samples.STAMP)[0]
    first = sheet.rows[slice(*sheet.pages[0])]
    assert first[-1].cells[1].key == "problems"
    assert 24 <= first[-1].height_mm < 30
    assert all(row.height_mm >= 8 for row in first)
    assert sum(row.height_mm for row in first) <= 247.5


def test_annex4_fits_a_ballot_with_four_choices():
    four = replace(samples.ROUND, ballot=("满意", "基本满意", "不满意", "不了解"))
    form = replace(samples.FORM, round=four, ballots=facts.Ballots(42, 41, 41, (34, 4, 2, 1)))
    shown = texts(annex4.sheets(form, facts.Stamp("2012年3月28日"))[0])
    assert "群众\n评议" in shown
    assert "不了解" in shown


def test_the_scoring_sheet_shows_both_sides_with_subtotals_and_boxes():
    sheet = scoring_sheet.sheets(samples.scoring_sheet(), facts.Stamp("2012年3月28日"))[0]
    body, totals, tail = rows(sheet, "body"), rows(sheet, "total"), rows(sheet, "tail")
    assert body[0] == ["领导班子好\n（5分）", "A1", "支委配备齐全，按期换届，每名委员有明确分工", "2", "1.5", "1.5", ""]
    assert body[3][-3:] == ["不适用", "2.5", ""]
    assert totals == [
        ["小　计", "5", "4.5", "4.0", ""],
        ["小　计", "6", "3.0", "5.5", ""],
        ["合　　计", "11", "7.5", "9.5", ""],
    ]
    assert [line[0] for line in tail[0][1].split("\n")] == ["☐", "☐"], "no option is divided from its box"
    assert tail[0][1].endswith("☑无上述情形")
    assert tail[0][1].count("☐") == 6
    assert "评分主体：☑自评　☑考评" in texts(sheet)


def test_the_scoring_sheet_ticks_what_was_established_and_nothing_before_the_review():
    found = replace(samples.scoring_sheet(), vetoed=("材料造假",), veto_reviewed=False)
    assert scoring_sheet.values(found) == {"vetoes": ("材料造假",)}
    assert scoring_sheet.values(replace(found, vetoed=())) == {"vetoes": ()}


@pytest.mark.parametrize(
    "sheet",
    [
        *annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP),
        *annex5.sheets(samples.SCHOOL, samples.STAMP),
        *annex4.sheets(samples.FORM, samples.STAMP),
        *annex4.sheets(EMPTY, samples.STAMP),
        *scoring_sheet.sheets(samples.scoring_sheet(), samples.STAMP),
    ],
    ids=["annex5", "annex5-school", "annex5-subtotals", "annex4", "annex4-empty", "scoring-sheet"],
)
def test_workbook_pdf_and_preview_agree(sheet):
    assert_parity(sheet)


def test_the_workbook_stores_numbers_names_official_fonts_and_no_formula(twelve):
    book = openpyxl.load_workbook(io.BytesIO(xlsx.render([twelve])))
    page = book.active
    assert page["H6"].value == 74.5
    assert page["H6"].number_format == "0.00"
    assert (page["A2"].font.name, page["A2"].font.sz) == ("方正小标宋简体", 20)
    assert page.print_title_rows == "$4:$5"
    assert (page.oddFooter.right.text, page.evenFooter.left.text) == ("— &P —　", "　— &P —")
    sheet = scoring_sheet.sheets(samples.scoring_sheet(), samples.STAMP)[0]
    cells = openpyxl.load_workbook(io.BytesIO(xlsx.render([sheet]))).active
    assert not [cell for row in cells.iter_rows() for cell in row if cell.data_type == "f"]


def test_the_pdf_embeds_every_font_and_its_text_can_be_read(twelve):
    document = pypdf.PdfReader(io.BytesIO(pdf.render([twelve])))
    assert len(document.pages) == 2
    fonts = {}
    for page in document.pages:
        for name, font in page["/Resources"]["/Font"].items():
            fonts[name] = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
    assert fonts
    for descriptor in fonts.values():
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
        assert descriptor["/FontName"][7] == "+", "a subset, never the full font"
    text = "".join(document.pages[1].extract_text().split())
    assert "合计（12个支部）249168" in text
    assert "—2—" in text


@pytest.mark.parametrize(
    ("name", "group", "short"),
    [
        ("数学与计算机科学学院数学系教工党支部", "数学与计算机科学学院党总支", "数学系教工党支部"),
        ("中文系党支部", "文学院党总支", "中文系党支部"),
        ("机关党支部", "机关党总支", "机关党支部"),
        ("图书馆直属党支部", "直属党支部", "图书馆直属党支部"),
    ],
)
def test_the_unit_is_left_out_of_a_branch_name_only_where_a_name_remains(name, group, short):
    assert without_unit(name, group) == short


@pytest.mark.parametrize(
    ("committee", "school_"),
    [("中共清源师范学院委员会", "清源师范学院"), ("清源师范学院党委", "清源师范学院"), ("党委", "党委")],
)
def test_the_school_is_named_from_its_committee(committee, school_):
    assert facts.school_name(committee) == school_


def test_headings_break_before_the_last_two_characters():
    assert [wording.heading(source) for source in samples.SOURCES] == [
        "自评",
        "群众\n评议",
        "年度\n考核",
        "党总支\n考评",
    ]
    assert wording.heading(facts.Source("x", "学校抽查考评结果", "抽查", D(10))) == "抽查"


def test_a_digest_changes_with_a_fact_and_with_nothing_else():
    assert facts.digest([samples.FORM]) == facts.digest([replace(samples.FORM)])
    assert facts.digest([samples.FORM]) != facts.digest([replace(samples.FORM, annual="优秀")])


def left_out(row, **given):
    """The branch as one the round scores and gives no grade."""
    return replace(row, self_grade="", proposed_grade="", decided_grade="不定级", remark="成立不满一年。", **given)


def test_shares_are_of_the_branches_that_are_graded_and_scores_of_the_others_stand():
    """先进 1, 较好 6, 一般 5 of twelve; one of 较好 gets no grade: 1/11 = 9.09 %, 5/11 = 45.45 %, 5/11."""
    facts = replace(samples.GENERAL_BRANCH, rows=(*samples.TWELVE[:-1], left_out(samples.TWELVE[-1])))
    sheet = annex5.sheets(facts, samples.STAMP)[0]
    last = rows(sheet, "body")[-1]
    assert last[7:12] == ["84.50", "89.23", "85.00", "82.50", "84.75"]
    assert last[13:16] == ["—", "—", "不定级"]
    total = rows(sheet, "total")[0]
    assert (total[0], total[-1]) == ("合计（12个支部）", "先进1 较好5 一般5 后进0 不定级1".replace(" ", "　"))
    assert total[8] == rows(annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP)[0], "total")[0][8]
    closing = rows(sheet, "closing")
    assert closing[0] == [
        "合计：支部 12 个，其中不定级 1 个；参加定级的 11 个中，先进 1 个（9.09%）、较好 5 个（45.45%）、一般 5 个（45.45%）、后进 0 个（0.00%）。"
    ]
    assert closing[1] == ["类别＼等级", "先进", "较好", "一般", "后进", "不定级", "小计"]
    assert closing[4] == ["合计", "1", "5", "5", "0", "1", "12"]
    assert any("等级占比按参加定级的 11 个支部计算" in text for text in texts(sheet))


def test_the_overview_divides_by_the_same_branches():
    """Twelve of the first 党总支 less one of 较好: 先进 1/11 = 9.09 %, 先进 and 较好 6/11 = 54.55 %."""
    given = (*samples.TWELVE[:-1], left_out(samples.TWELVE[-1]), *samples.LETTERS)
    overview = annex5.sheets(replace(samples.SCHOOL, rows=given), samples.STAMP)[1]
    assert rows(overview, "header")[0][2:4] == ["支部数", "参加\n定级"]
    assert "占参加定级的（%）" in rows(overview, "header")[0]
    first = rows(overview, "body")[0]
    assert (first[2:4], first[11:13]) == (["12", "11"], ["9.09", "54.55"])


def test_averages_say_over_how_many_branches_they_are_taken():
    empty = left_out(samples.TWELVE[-1], scores=(None,) * 4, composite=None, exact=None)
    sheet = annex5.sheets(replace(samples.GENERAL_BRANCH, rows=(*samples.TWELVE[:5], empty)), samples.STAMP)[0]
    assert rows(sheet, "total")[0][0] == "合计（6个支部，综合按5个平均）"


def test_a_scale_may_itself_call_a_grade_so():
    scale = replace(samples.ROUND, grades=("先进", "较好", "一般", "不定级"))
    facts = replace(samples.GENERAL_BRANCH, round=scale, rows=(left_out(samples.TWELVE[0]), samples.TWELVE[1]))
    assert rows(annex5.sheets(facts, samples.STAMP)[0], "total")[0][-1] == "先进0　较好1　一般0　不定级1"


def test_vetoes_nobody_looked_at_are_said_to_be_unchecked():
    row = replace(samples.TWELVE[0], veto_known=False)
    given = replace(samples.GENERAL_BRANCH, rows=(row, left_out(row), replace(row, vetoed=True), samples.TWELVE[1]))
    assert [line[16] for line in rows(annex5.sheets(given, samples.STAMP)[0], "body")] == ["未核", "—", "是", "无"]


def test_long_grade_names_and_remarks_keep_their_lines_and_usual_tables_their_widths():
    stars = ("五星级", "四星级", "三星级", "二星级", "一星级")
    sources = samples.SOURCES[:3]
    reason = "2026年3月成立，到2026年11月23日不满 12 个月，按本轮规则不定级。"
    some = [replace(row, scores=row.scores[:3], proposed_grade="", self_grade="五星级", decided_grade="五星级", problem="")
            for row in samples.TWELVE[:6]]  # fmt: skip
    some[5] = replace(left_out(some[5]), remark=reason)
    rounds = replace(samples.ROUND, grades=stars, sources=sources, proposes=False)
    sheet = annex5.sheets(f_annex5(rounds, some), samples.STAMP)[0]
    heights = [row.height_mm for row in sheet.rows if row.band == "body"]
    assert max(heights) < 20
    assert max(heights[:5]) == 10.5
    usual = annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP)[0]
    assert sum(sheet.widths_mm) == pytest.approx(sum(usual.widths_mm))


def f_annex5(rounds, given):
    return replace(samples.GENERAL_BRANCH, round=rounds, rows=tuple(given))


def test_annex4_names_the_recorded_result_as_the_round_does_and_keeps_its_points_on_two_lines():
    given = replace(samples.FORM, annual_name="校党委考核组考核", annual="84.00分（满分120分）")
    (sheet,) = annex4.sheets(given, samples.STAMP)
    said = texts(sheet)
    assert "校党委考\n核组考核" in said
    assert "84.00分\n满分120分" in said
    assert not any("年度考核" in text and "结" in text for text in said)
    assert len(sheet.pages) == 2
    assert "年度考核\n结　　果" in texts(annex4.sheets(samples.FORM, samples.STAMP)[0])
    assert facts.digest([replace(samples.FORM, annual_name="考核")]) != facts.digest([samples.FORM])


def test_annex4_of_a_branch_without_a_grade_says_so_beside_its_score():
    given = replace(samples.FORM, result=left_out(samples.FORM.result, direct=True), self_submitted=True)
    assert annex4.self_opinion(given) == f"自评得分 {samples.FORM.result.scores[0]:.2f} 分，本轮不定级。"
    assert annex4.superior_opinion(given) == ""
