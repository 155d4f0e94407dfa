"""Writing the rules of a round in the browser: parts, refusals, copies, files, and the sample beside."""

from dataclasses import replace
from decimal import Decimal as D  # noqa: N817

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from branches import clock
from branches.transitions import BlockedError
from grading import contents, course, preset_text, presets, scoring, worked_example
from grading.models import AppraisalOption, Preset, Round, RoundStep, Source
from grading.services import presets as preset_service
from grading.services import round_rules, rounds
from grading.services.errors import RefusedError
from tests.factories.grading import opened_round
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = pytest.mark.once
grading = shared(opened_round)


@pytest.fixture
def draft(grading):
    """The second round of 2012, which is in preparation."""
    return Round.objects.select_related("campaign__root", "scale").get(state=Round.State.PREPARING)


@pytest.fixture
def office(signed_in, grading):
    return signed_in(account(grading.school, "office"))


def change(round_, **changes):
    return round_rules.change_rules(by=None, round_=round_, version=round_.version, changes=changes)


def posted(client, round_, part, **fields):
    """Post one part as the page would, with what it already shows."""
    fields = {"version": str(round_.version), "do": "save"} | fields
    return client.post(page("rule-editor", round_.pk, part), fields)


def rows(name, *given):
    """Fields of a table: rows("grades", {"label": "好"})."""
    fields = {f"{name}-count": str(len(given))}
    for number, row in enumerate(given):
        for key, value in row.items():
            if isinstance(value, list):
                fields |= rows(f"{name}-{number}-{key}", *value)
            else:
                fields[f"{name}-{number}-{key}"] = value
    return fields


# ---- the service


def _undated(entry):
    steps = [{key: step[key] for key in ("code", "name")} for step in entry["steps"]]
    return {key: value for key, value in entry.items() if key not in {"opens_on", "ends_on"}} | {"steps": steps}


def test_what_rows_say_is_what_the_preset_said(draft):
    entry = contents.of_round(draft)
    again = round_rules.copy_round(by=None, campaign=draft.campaign, source=draft, name=draft.name)
    assert (again.opens_on, again.ends_on) == (None, None)  # the dates of the round before are over
    assert [step.due_on for step in again.steps.all()] == [None] * again.steps.count()
    assert _undated(contents.of_round(again)) | {"ordinal": 2} == _undated(entry)
    assert [(source["code"], source["weight"]) for source in entry["sources"]] == [
        ("self", "20"),
        ("appraisal", "20"),
        ("annual", "20"),
        ("superior", "40"),
        ("spot_check", "0"),
    ]


def test_grades_change_and_everything_that_names_them_follows(draft):
    entry = contents.of_round(draft)
    grades = [grade | {"label": f"{grade['label']}级"} for grade in entry["grades"]]
    before = draft.scale
    changed = change(draft, grades=grades)
    assert changed.scale != before
    assert [grade.label for grade in before.grades.all()] == ["先进", "较好", "一般", "后进"]  # others keep theirs
    assert [grade.label for grade in changed.scale.grades.all()] == ["先进级", "较好级", "一般级", "后进级"]
    named = [*changed.cut_offs.all(), *changed.caps.all(), *changed.veto_items.all()]
    assert {row.grade.scale for row in named} == {changed.scale}
    assert contents.of_round(changed) == entry | {"grades": grades}
    assert changed.version == draft.version + 1


def test_sources_that_stay_keep_their_rows(draft):
    own = draft.sources.get(code="self").pk
    wanted = contents.of_round(draft)["sources"]
    moved = [wanted[3] | {"weight": "60"}, wanted[0] | {"weight": "40"}]
    changed = change(draft, sources=moved, gates=[])
    assert [(source.code, source.weight) for source in changed.sources.all()] == [("superior", 60), ("self", 40)]
    assert changed.sources.get(code="self").pk == own


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cut_offs": [{"grade": "advanced", "minimum": "70"}, {"grade": "good", "minimum": "75"},
                       {"grade": "fair", "minimum": "60"}]}, "两个等级重叠"),
        ({"vetoes": [{"code": "a", "text": "造假", "effect": "force", "grade": "gone"}]}, "不在本轮等级表里"),
        ({"gates": [{"figure": "luck", "name": "运气", "minimum": "90", "best": "fair"}]}, "没有来处"),
        ({"gates": [{"figure": "source_self", "name": "自评", "minimum": "9", "best": "advanced"}]}, "等于没有门槛"),
        ({"caps": [{"grade": "advanced", "value": "40"}, {"grade": "good", "value": "30"}]}, "互相矛盾"),
        ({"caps": [{"grade": "advanced", "value": "30", "mode": "enforced"},
                   {"grade": "good", "value": "90", "side": "at_least"}]}, "互相矛盾"),
        ({"caps": [{"grade": "advanced", "value": "30", "tie_breaks": ["nobody"]}]}, "同分时要比较的来源不在本轮"),
        ({"grades": [{"code": "advanced", "label": "先进"}]}, "等级至少要有两个"),
    ],
)  # fmt: skip
def test_impossible_rules_are_refused_and_nothing_changes(draft, changes, sentence):
    before = contents.of_round(draft)
    with pytest.raises(RefusedError, match=sentence):
        change(draft, **changes)
    draft.refresh_from_db()
    assert (contents.of_round(draft), draft.version) == (before, 1)


def test_weights_of_sources_and_of_voter_groups_make_a_hundred(draft):
    sources = contents.of_round(draft)["sources"]
    with pytest.raises(RefusedError, match="各来源权重合计 90%，应为 100%"):
        change(draft, sources=[sources[0] | {"weight": "10"}, *sources[1:]])
    groups = [{"code": "a", "name": "党员", "weight": "60"}, {"code": "b", "name": "群众", "weight": "30"}]
    with pytest.raises(RefusedError, match="各类评议人员的权重合计 90%，应为 100%（党员 60 \\+ 群众 30）"):
        change(draft, sources=[sources[0], sources[1] | {"groups": groups}, *sources[2:]])


def test_the_rules_of_an_open_round_stand(grading):
    with pytest.raises(RefusedError, match="已经开始"):
        change(grading.round, places=1)


def test_two_people_at_once(draft):
    change(draft, places=1)
    with pytest.raises(round_rules.StaleError):
        round_rules.change_rules(by=None, round_=draft, version=draft.version, changes={"places": 0})
    draft.refresh_from_db()
    assert draft.places == 1


def test_a_round_as_a_file_opens_the_same_round_again(draft):
    words = contents.campaign_content(draft)
    file = presets.read_text("本校.toml", preset_text.write(words))
    preset_service.load_files(by=None, files=[file], now=clock.now())
    preset = Preset.objects.newest().get(code=words["code"])
    plan = preset_service.CampaignPlan(name="照文件再开一次")
    opened = preset_service.open_campaign(by=None, preset=preset, root=draft.campaign.root, plan=plan)
    again = opened.rounds.get()
    assert contents.of_round(again) == contents.of_round(draft) | {"ordinal": 1}
    stages = draft.campaign.stages.values_list("name", "starts_on", "tasks")
    assert list(opened.stages.values_list("name", "starts_on", "tasks")) == list(stages)


@pytest.mark.parametrize(
    ("codes", "sentences"),
    [
        (("self", "superior", "propose", "spot_check", "decide", "publicity", "final"), []),
        (
            ("self", "decide", "final", "annual"),
            ["“审定”应在“年度考核”之后。", "“定级”应是最后一步，现在后面还有“年度考核”。"],
        ),
        (("self", "publicity", "decide"), ["“公示”应在“审定”之后。"]),
        (("publicity", "confirm", "decide"), ["“公示”应在“学校确认”、“审定”之后。", "“学校确认”应在“审定”之后。"]),
    ],
)
def test_a_step_stands_after_what_it_needs(codes, sentences):
    labels = dict(RoundStep.Code.choices)
    assert list(course.order_problems((code, labels[code]) for code in codes)) == sentences


def test_steps_in_a_wrong_order_are_refused_when_saved_and_when_the_round_opens(office, draft):
    wrong = ("self", "publicity", "decide")
    response = posted(office, draft, "steps", **rows("steps", *({"code": code} for code in wrong)))
    assert (response.status_code, "“公示”应在“审定”之后。" in text(response)) == (422, True)
    assert draft.steps.filter(code="final").exists()
    draft.steps.all().delete()  # as rounds were before this was looked at
    for number, code in enumerate(wrong, 1):
        draft.steps.create(ordinal=number, code=code, name=RoundStep.Code(code).label)
    with pytest.raises(BlockedError, match="“公示”应在“审定”之后。"):
        rounds.open_round(by=None, round_=draft, now=clock.now())


def test_a_gate_over_ballots_that_count_is_told_and_ballots_that_count_twice_are_asked_about(draft):
    entry = contents.of_round(draft)
    usual = "来源“群众评议”计入得分，门槛“满意率”又看同一批数：通知是这样写的就不用改。"
    assert usual in round_rules.check(entry, {}).doubtful
    ballots = next(source for source in entry["sources"] if source["code"] == "appraisal")
    halves = [ballots | {"weight": "10"}, ballots | {"weight": "10", "code": "second", "name": "党员评议"}]
    rest = [source for source in entry["sources"] if source["code"] != "appraisal"]
    doubts = round_rules.check(entry | {"sources": [*rest, *halves], "gates": []}, {}).doubtful
    assert "同一个数计了不止一次分：来源“群众评议”、来源“党员评议”，请确认这是本意。" in doubts


# ---- the sample


def test_the_sample_goes_from_marks_to_a_grade(draft):
    rules = contents.rules_of(contents.of_round(draft))
    marks = {"ex-self": "80", "ex-annual": "良好", "ex-superior": "70", "ex-spot_check": "60"}
    numbers = {"satisfied": "10", "fairly": "0", "unsatisfied": "0", "unknown": "0"}
    ballots = {f"ex-appraisal--{code}": number for code, number in numbers.items()}
    found = worked_example.work(rules, marks | ballots)
    # 80×20% + 100×20% + 85×20% + 70×40% = 16 + 20 + 17 + 28
    assert (found.grade, [step.result for step in found.steps if step.key == "rounding"]) == ("较好", ["81.00"])
    forced = worked_example.work(rules, marks | ballots | {"ex-veto": rules.vetoes[0].text})
    assert forced.grade == "后进"
    assert any("12 个支部时，“先进”最多" in sentence for sentence in found.limits)


def test_limits_say_what_settles_a_tie_and_what_they_are_a_share_of(office, draft):
    rules = contents.rules_of(contents.of_round(draft))
    told = []
    for ties in ((), ("annual",), ("annual", "self")):
        cap = scoring.CapRule("advanced", D(30), scope=scoring.CapScope.ROUND, mode=scoring.CapMode.ENFORCED,
                              tie_breaks=ties)  # fmt: skip
        told += [one.split("个，")[-1] for one in worked_example.work(replace(rules, caps=(cap,)), {}).limits]
    annual, own = (next(one.name for one in rules.sources if one.code == code) for code in ("annual", "self"))
    assert told == [
        "按名次调整一级，同分的由人定。",
        f"按名次调整一级，同分的先比“{annual}”，仍相同的由人定。",
        f"按名次调整一级，同分的先比“{annual}”，再比“{own}”，仍相同的由人定。",
    ]
    assert "百分比按参加定级的支部数算" in text(office.get(page("rule-editor", draft.pk, "caps")))


def test_a_sample_waits_for_weights(draft):
    entry = contents.of_round(draft)
    rules = contents.rules_of(entry | {"sources": entry["sources"][:2]})
    found = worked_example.work(rules, {})
    assert (found.steps, found.note.startswith("各来源的权重合计到 100%")) == ((), True)


def test_the_sample_says_that_the_rate_is_not_weighted_by_voters(draft):
    entry = contents.of_round(draft)
    groups = [{"code": "a", "name": "党员", "weight": "70"}, {"code": "b", "name": "群众", "weight": "30"}]
    split = [one | {"groups": groups} if one["kind"] == "appraisal" else one for one in entry["sources"]]
    told = [
        next(
            step.text for step in worked_example.work(contents.rules_of(entry | change), {}).steps if step.key == "gate"
        )
        for change in ({}, {"sources": split})
    ]
    # 23 of 26 in one group; the same twice over is the same rate, told over all the ballots
    assert told[0].startswith("满意率 23/26 = 88.5%")
    assert told[1].startswith("满意率（全部有效票合计，不按类别加权） 46/52 = 88.5%")


# ---- the pages


def test_a_limit_of_grades_says_nothing_nobody_chose(office, draft):
    shown = posted(office, draft, "caps", do="add:caps")
    cells = {cell.column.name: cell.value for cell in shown.context["tables"][0].rows[-1].cells}
    assert (cells["extent"], cells["mode"]) == ("", "")
    given = {"grade": "advanced", "value": "30", "side": "at_most", "measure": "share", "rounding": "down"}
    refused = posted(office, draft, "caps", **rows("caps", given))
    assert refused.status_code == 422
    assert "请选择范围。" in text(refused)
    assert "请选择不合名额时怎么办。" in text(refused)


def test_all_rules_in_words(office, draft):
    change(draft, publicity_days=5, exempt_months=12)
    draft.sources.get(code="annual").annual_points.all().delete()
    shown = text(office.get(page("round-rules", draft.pk)))
    assert "按录入的分数计，百分制" in shown
    assert "不到 60 分" in shown
    assert "公示 5 个工作日" in shown
    assert "成立不满 12 个月的党支部不定级，按支部名单日期算" in shown


def test_every_part_shows_what_stands(office, draft):
    for part, words in (
        ("basics", "再次评定"),
        ("grades", "综合得分达到"),
        ("sources", "群众评议"),
        ("gates", "满意率"),
        ("vetoes", "材料造假"),
        ("caps", "按党总支算还是按全校算"),
        ("compare", "合计相差"),
        ("steps", "公示几个工作日"),
        ("checks", "组织设置是否合理"),
        ("rubrics", "教师"),
    ):
        response = office.get(page("rule-editor", draft.pk, part))
        assert response.status_code == 200
        body = response.content.decode()
        assert words in body or words in text(response)
        saved = posted(office, draft, part, **_shown(response))
        assert saved.status_code == 302, text(saved)
    draft.refresh_from_db()
    assert draft.version == 1  # saving what stands changes nothing


def _shown(response):
    """Return the fields of the editor as a browser would send them back."""
    cells = list(response.context["cells"])
    fields = {}
    tables = list(response.context["tables"])
    while tables:
        table = tables.pop()
        fields[f"{table.path}-count"] = str(len(table.rows))
        for row in table.rows:
            cells += row.cells
            tables += row.tables
    fields |= {cell.name: cell.value for cell in cells if cell.column.kind != "check" or cell.value}
    return fields


def test_what_is_typed_stays_when_it_cannot_be_saved(office, draft):
    given = rows("checks", {"text": "组织生活是否正常"}, {"text": "字" * 61})
    response = posted(office, draft, "checks", **given)
    assert response.status_code == 422
    assert "检查内容过长（61 字，最多 60 字）" in text(response)
    assert "组织生活是否正常" in response.content.decode()
    assert draft.survey_checks.filter(text="组织生活是否正常").count() == 0


def test_rows_are_added_moved_and_taken_away_without_saving(office, draft):
    given = rows("checks", {"code": "a", "text": "甲"}, {"code": "b", "text": "乙"})
    for command, expected in (
        ("add:checks", ["甲", "乙", ""]),
        ("up:checks-1", ["乙", "甲"]),
        ("drop:checks-0", ["乙"]),
        ("drop:nothing-0", ["甲", "乙"]),
        ("add:checks-0-options", ["甲", "乙"]),
    ):
        response = posted(office, draft, "checks", **given | {"do": command})
        assert [row.cells[1].value for row in response.context["tables"][0].rows] == expected
    assert draft.survey_checks.count() == 7


def test_a_stale_page_keeps_its_text_and_may_be_saved_again(office, draft):
    change(draft, places=1)
    fields = rows("checks", {"text": "活动是否经常"})
    first = posted(office, draft, "checks", **fields)
    assert first.status_code == 409
    assert "刚被他人改过" in text(first)
    assert first.context["version"] == 2
    again = posted(office, draft, "checks", **fields | {"version": "2"})
    assert again.status_code == 302
    assert [check.text for check in draft.survey_checks.all()] == ["活动是否经常"]


def test_the_page_of_an_open_round_leads_to_its_rules(office, grading):
    response = office.get(page("rule-editor", grading.round.pk, "caps"))
    assert response.url == page("round-rules", grading.round.pk)
    assert office.get(page("rule-editor", grading.round.pk, "nonsense")).status_code == 404


def test_the_sample_follows_while_typing_and_stores_nothing(office, draft):
    entry = contents.of_round(draft)
    labels = [{"code": one["code"], "label": one["label"], "minimum": line} for one, line in
              zip(entry["grades"], ("95", "85", "65", ""), strict=True)]  # fmt: skip
    response = office.post(page("rule-try", draft.pk, "grades"), rows("grades", *labels))
    assert "先进 ≥ 95，较好 ≥ 85，一般 ≥ 65" in text(response)
    wrong = [labels[0], labels[1] | {"minimum": "九十"}, *labels[2:]]
    response = office.post(page("rule-try", draft.pk, "grades"), rows("grades", *wrong))
    assert "综合得分达到（≥）“九十”请填数字" in text(response)
    draft.refresh_from_db()
    assert contents.of_round(draft) == entry


@pytest.mark.parametrize(
    ("part", "fields", "sentence"),
    [
        ("steps", rows("steps", {"code": "self"}, {"code": "self"}), "步骤“支部自评”重复。"),
        ("steps", rows("steps", {"code": "self", "due_on": "明天"}), "截止日期“明天”请写成 2012-03-30 的样子。"),
        ("grades", rows("grades", {"label": "好", "minimum": "80"}, {"label": "中", "minimum": "80"}, {"label": "差"}),
         "第 1 行和第 2 行的分数线相同，两个等级重叠。"),
        ("grades", rows("grades", {"label": "好", "minimum": "190"}, {"label": "差"}), "不在 0 至 100 之间"),
        ("sources", rows("sources", {"name": "甲", "weight": "50", "giver": "self"},
                         {"name": "乙", "weight": "50", "giver": "self"}), "“党支部自评”只能有一个来源。"),
        ("caps", rows("caps", {"grade": "advanced", "value": "30", "side": "at_most", "extent": "round"},
                      {"grade": "advanced", "value": "20", "side": "at_most", "extent": "round"}), "写了两条"),
        ("compare", {"first": "self", "second": "self", "points": "10"}, "请选两个不同的来源来比。"),
        ("compare", {"first": "self", "second": "superior"}, "请至少填一项相差多少。"),
        ("basics", {"name": "轮", "places": "7", "deciding_level": "committee", "missing": "block"}, "最多保留 6 位"),
        ("basics", {"name": "", "places": "2", "deciding_level": "committee", "missing": "block"}, "请填写轮次名称。"),
        ("basics", {"name": "轮", "places": "2", "deciding_level": "mayor", "missing": "block"}, "请从列出的里面选"),
        ("basics", {"name": "轮", "places": "2", "deciding_level": "committee", "missing": "block",
                    "exempt_months": "300"}, "请填 1 至 120"),
    ],
)  # fmt: skip
def test_wrong_input_is_said_in_words(office, draft, part, fields, sentence):
    response = posted(office, draft, part, **fields)
    assert response.status_code == 422
    assert sentence in text(response)
    draft.refresh_from_db()
    assert draft.version == 1


def test_a_ballot_with_its_own_options_and_voters(office, draft):
    sources = [
        {"name": "自查", "weight": "40", "giver": "self", "entry": "sections"},
        {"name": "民主测评", "weight": "60", "giver": "appraisal", "minimum_ballots": "8", "double_entry": "on",
         "options": [{"label": "好", "points": "100", "satisfied": "on"}, {"label": "差", "points": "50"},
                     {"label": "说不清"}],
         "groups": [{"name": "党员", "weight": "70"}, {"name": "群众", "weight": "30"}]},
    ]  # fmt: skip
    change(draft, divergence={})
    draft.refresh_from_db()
    response = posted(office, draft, "sources", **rows("sources", *sources))
    assert response.status_code == 302, text(response)
    source = draft.sources.get(kind=Source.Kind.APPRAISAL)
    assert (source.weight, source.minimum_ballots, source.double_entry) == (60, 8, True)
    options = AppraisalOption.objects.filter(source=source).values_list("label", "points", "satisfied")
    assert list(options) == [("好", D(100), True), ("差", D(50), False), ("说不清", None, False)]
    assert list(source.groups.values_list("name", "weight")) == [("党员", 70), ("群众", 30)]


def test_a_further_round_is_copied_or_begins_blank(office, draft):
    address = page("round-new", draft.campaign_id)
    copied = office.post(address, {"name": "第三轮", "origin": "copy", "source": str(draft.pk)})
    made = Round.objects.get(name="第三轮")
    assert copied.url == page("rule-editor", made.pk, "basics")
    assert contents.of_round(made)["cut_offs"] == contents.of_round(draft)["cut_offs"]
    office.post(address, {"name": "第四轮", "origin": "blank"})
    blank = Round.objects.get(name="第四轮")
    assert (blank.ordinal, blank.sources.count(), blank.scale.grades.count()) == (4, 0, 0)
    assert blank.returns.count() == 0  # nothing comes back stamped unless somebody asks for it
    refused = office.post(address, {"name": "第五轮", "origin": "copy"})
    assert refused.status_code == 422
    assert "请选择照哪一轮。" in text(refused)


def test_rules_are_handed_out_as_a_file(office, draft):
    response = office.get(page("rule-file", draft.pk))
    file = presets.read_text("x.toml", response.content.decode())
    assert file.kind == "campaign"
    assert "attachment" in response["Content-Disposition"]


def test_a_file_somebody_handed_out_is_loaded_in_the_browser(office, draft):
    def send(name, data):
        return office.post(page("preset-upload"), {"files": SimpleUploadedFile(name, data)}, follow=True)

    data = office.get(page("rule-file", draft.pk)).content
    assert "已载入 1 项" in text(send("规则.toml", data))
    assert "预设没有变化" in text(send("规则.toml", data))
    assert "各来源权重合计" in text(send("坏.toml", data.replace(b"weight = 40", b"weight = 30")))
    assert "坏.toml：不是正确的 TOML" in text(send("坏.toml", b"[rounds"))
    assert "请存为 UTF-8 编码。" in text(send("坏.toml", "规则".encode("gbk")))
    assert "请选择 1 至 12 个 .toml 文件。" in text(office.post(page("preset-upload"), {}, follow=True))
    assert Preset.objects.count() == 2


def test_one_query_count_whatever_the_number_of_rows(office, draft, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        office.get(page("rule-editor", draft.pk, "sources"))


@pytest.mark.unit
def test_text_with_quotes_and_line_breaks_survives_the_file():
    content = {"kind": "rubric", "code": "x", "title": '引“号”"和"\n换行\\', "sections": []}
    assert presets.read_text("x", preset_text.write(content)).content == content


def test_a_blank_campaign_is_a_button_and_belongs_to_the_campaigns(office):
    for name in ("campaign-open", "campaign-blank"):
        shown = office.get(page(name))
        assert [item["label"] for item in shown.context["nav"] if item["current"]] == ["活动材料"]
    button = f'<a class="btn btn-outline-secondary" href="{page("campaign-blank")}">从空白开始</a>'
    assert button in office.get(page("campaign-open")).content.decode()
    grading_page = office.get(page("rounds"))
    assert [item["label"] for item in grading_page.context["nav"] if item["current"]] == ["分类定级"]


def test_a_campaign_from_nothing_refuses_a_second_of_its_name(office, grading):
    fields = {"name": "考评", "year": "2026", "root": str(grading.school.root.pk), "starts_on": "2026-03-01",
              "ends_on": "2026-12-31", "round_name": "第一轮"}  # fmt: skip
    first = office.post(page("campaign-blank"), fields)
    made = Round.objects.get(campaign__name="考评")
    assert first.url == page("rule-editor", made.pk, "basics")
    again = office.post(page("campaign-blank"), fields)
    assert again.status_code == 422
    assert "2026年已有“考评”。" in text(again)
    back = office.post(page("campaign-blank"), fields | {"name": "倒着", "ends_on": "2026-01-01"})
    assert "结束日期早于开始日期" in text(back)
