"""The steps of the main job as a person does them in the browser: every click is a real one."""

import re
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data"
PASSWORD = "Shanhai.7391-Ting"
SCHOOL = "清源师范学院"


def first_run(page: Any, address: str, token: str) -> None:
    """Make the administrator, who is the office too."""
    page.goto(f"{address}/")
    page.locator("[name=token]").fill(token)
    page.locator("[name=school]").fill(SCHOOL)
    page.locator("[name=committee]").fill(f"中共{SCHOOL}委员会")
    page.locator("[name=code]").fill("QY")
    page.locator("[name=name]").fill("陈丽华")
    page.locator("[name=username]").fill("chenlihua")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.get_by_role("button", name="建立并进入").click()
    page.get_by_role("heading", name="从这里开始").wait_for()


def sign_in(page: Any, address: str, username: str) -> None:
    """Sign in by name and password."""
    page.goto(f"{address}/login/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(f"{address}/")


def import_roster(page: Any, address: str) -> str:
    """Upload the office's untidy roster as it is; return what the result page says."""
    page.goto(f"{address}/branches/roster/")
    page.locator("input[type=file]").set_input_files(DATA / "roster-sample.xlsx")
    page.get_by_role("button", name="读取文件").click()
    page.wait_for_url("**/mapping/")
    page.get_by_role("button", name="下一步").first.click()
    page.wait_for_url("**/preview/")
    page.get_by_role("button", name="导入").last.click()
    confirm(page)
    page.wait_for_url("**/result/")
    return str(page.locator("main").inner_text())


def confirm(page: Any) -> None:
    """Answer the dialog with its verb, when one is open."""
    if page.locator("dialog#confirm[open]").count():
        page.locator("[data-confirm-yes]").click()


def open_campaign(page: Any, address: str) -> None:
    """Load the notice that comes with the product and open its campaign as 历史补录."""
    page.goto(f"{address}/grading/campaigns/open/")
    load = page.get_by_role("button", name=re.compile("载入 ?2012年基层组织建设年"))
    if load.count():
        with page.expect_navigation():
            load.first.click()
        page.goto(f"{address}/grading/campaigns/open/")
    backfill = page.locator("[name=backfill]")
    if backfill.count() and not backfill.is_checked():
        backfill.check()
    page.get_by_role("button", name="开展活动").click()
    page.wait_for_load_state()


def open_round(page: Any, address: str) -> str:
    """Start the first round; return the address of its page."""
    page.goto(f"{address}/grading/")
    page.get_by_role("link", name="第一轮").click()
    page.get_by_role("button", name="开始自评").click()
    confirm(page)
    page.get_by_text("第一轮现在是“自评”").wait_for()
    return str(page.url)


def print_codes(page: Any, address: str, unit_name: str) -> dict[str, tuple[str, str]]:
    """Open accounts for the secretaries of a 党总支; return (login name, code) by branch."""
    page.goto(f"{address}/accounts/")
    page.get_by_role("link", name=re.compile(f"打印激活码.*{unit_name}")).click()
    page.get_by_role("button", name="开户并显示激活码").click()
    page.get_by_text("只显示这一次").wait_for()
    slips = page.locator(".slip").all()
    return {
        slip.locator(".slip-unit").inner_text(): (
            slip.locator(".login-name").inner_text(),
            slip.locator(".slip-code").inner_text(),
        )
        for slip in slips
    }


def open_officer(page: Any, address: str, unit_name: str, name: str) -> tuple[str, str]:
    """Open an account for a 党总支书记; return login name and code."""
    page.goto(f"{address}/accounts/new/")
    page.locator("main [name=name]").fill(name)
    page.locator("main [name=role]").select_option(label="党总支书记")
    page.locator("main [name=node]").fill(unit_name)
    page.get_by_role("button", name="开户并显示激活码").click()
    page.get_by_text("只显示这一次").wait_for()
    slip = page.locator(".slip").first
    return slip.locator(".login-name").inner_text(), slip.locator(".slip-code").inner_text()


def activate(page: Any, address: str, code: str) -> None:
    """Use a code and set a password."""
    page.goto(f"{address}/activate/")
    page.locator("[name=code]").fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="下一步").click()
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.get_by_role("button", name="设置密码并登录").click()
    page.get_by_role("heading", name="我的角色").wait_for()


def fill_survey(page: Any) -> None:
    """Fill the seven checks and the texts of 附件4, and save."""
    for row in page.locator(".survey-row").all():
        row.get_by_label("好", exact=True).check()
        row.locator("textarea").fill("按年级设置，便于开展活动")
    page.locator("#id_problems").fill("1．支委会未单设纪检委员，分工不够明确。\n2．个别活动开展后未及时总结。")
    page.locator("#id_goal").fill("年内达到“先进”标准。")
    page.locator("#id_measures").fill("1．5月底前增补纪检委员，责任人：书记。")
    page.get_by_role("button", name="保存摸底情况").click()
    page.get_by_text("调查摸底情况已保存").wait_for()


def fill_self_assessment(page: Any, points_short: int) -> None:
    """Fill every item with full marks but the first `points_short`, and submit."""
    for number, field in enumerate(page.locator("[data-stepper] input").all()):
        full = field.get_attribute("data-max") or "0"
        field.fill(str(float(full) - 0.5) if number < points_short else full)
        field.press("Tab")
    page.locator("textarea[name^=remark-]").first.fill("2012年3月完成换届，支委 3 人。")
    page.get_by_role("button", name="提交支部自评").click()
    confirm(page)
    page.get_by_text("支部自评已提交，合计").wait_for()


def score_in_grid(page: Any, round_url: str) -> int:
    """Score every branch of the grid from its dock, copying self scores with = or typing; return how many figures."""
    page.goto(f"{round_url}grid/")
    typed = 0
    for cell in page.locator(".score-grid input.sum").all():
        cell.focus()
        page.locator(f"#dock [data-shows='{cell.get_attribute('data-dock-url')}']").wait_for()
        for field in page.locator("#dock input[data-score]").all():
            field.focus()
            if field.get_attribute("data-self"):
                field.press("=")
            else:
                field.fill(field.get_attribute("data-max") or "0")
            field.press("Tab")
            typed += 1
        page.wait_for_load_state("networkidle")
    return typed


def import_source(page: Any, round_url: str, code: str, file_name: str) -> str:
    """Import yearly results or ballot counts, answering every doubt; return what the round page says."""
    page.goto(f"{round_url}sources/")
    page.locator(f"[name=source][value={code}]").check()
    page.locator("input[type=file]").set_input_files(DATA / file_name)
    page.get_by_role("button", name="读取文件").click()
    page.wait_for_url(f"**/sources/{code}/**")
    for question in page.locator("select[name^=answer-]").all():
        question.select_option("leave_out")
    for question in page.locator("select[name^=name-]").all():
        question.select_option(index=1)
    if page.locator("[name=void]").count():
        page.locator("[name=void]").check()
    page.get_by_role("button", name="按答复重新核对").click()
    page.get_by_text("没有待处理的问题").wait_for()
    page.locator("button[name=do][value=import]").click()
    page.wait_for_url(round_url)
    return str(page.locator(".toasts").inner_text())


def move_on(page: Any, round_url: str, verb: str) -> None:
    """Press one of the round's buttons and wait for the word that it moved."""
    page.goto(round_url)
    page.get_by_role("button", name=verb, exact=True).click()
    confirm(page)
    page.get_by_text("现在是“").wait_for()


def decide(page: Any, round_url: str) -> str:
    """Decide what can be decided for the only 党总支 in reach; return the toast."""
    page.goto(f"{round_url}decide/")
    page.get_by_role("button", name="定级所选支部").click()
    confirm(page)
    page.get_by_text("已定级").first.wait_for()
    return str(page.locator(".toasts").inner_text())


def export(page: Any, address: str, *, kind: str, branch: str = "", file_format: str, into: Path) -> Path:
    """Ask for a document, wait for the worker, download it; return the file."""
    page.goto(f"{address}/reports/")
    page.locator("[name=kind]").select_option(label=kind)
    if branch:
        page.locator("[name=branch]").select_option(label=branch)
    page.wait_for_load_state("networkidle")
    page.locator(f"[name=format][value={file_format}]").check()
    page.get_by_role("button", name="开始生成").click()
    page.wait_for_load_state()
    line = page.locator("tr", has_text=kind).filter(has_text="PDF" if file_format == "pdf" else "Excel").first
    link = line.get_by_role("link", name=re.compile("下载"))
    link.wait_for(timeout=120_000)
    with page.expect_download() as started:
        link.click()
    path = into / started.value.suggested_filename
    started.value.save_as(path)
    return path
