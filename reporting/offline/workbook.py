"""The workbook a branch takes away: the official forms, locked but for what it fills in, with drop-downs and limits."""

from collections.abc import Iterable, Sequence
from functools import partial

from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import PatternFill
from openpyxl.workbook.protection import WorkbookProtection
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from reporting.offline import ticket as tickets
from reporting.offline.forms import (
    TICK,
    Item,
    OfflineFacts,
    annex4_sheet,
    notes_sheet,
    open_fields,
    scoring_sheet_laid,
)
from reporting.offline.ticket import NOTES, Line, Ticket, cell_name, plain_number
from reporting.tables import Cell, Sheet, xlsx

LONGEST_NOTE = 300
LONGEST_REMARK = 1000
LONGEST_TEXT = 5000
_LIST_LIMIT = 255
_EMPTY_BOX, _TICKED_BOX = "☐", "☑"
_TO_FILL = PatternFill(bgColor="FFF7DF", fill_type="solid")
_NEXT_STEP = (
    "只有浅黄色的格子可以填，填过的格子变白；其余格子是锁定的，改了也不收。",
    "“情况”点下拉箭头选好、一般、差；选“差”的，须在右边写明情况。",
    "自评得分填数字，不超过分值，按每档分数填；“由系统填写”的条目不用填。",
    "不要插入或删除行、列，不要给工作表改名，不要填公式；写不下时可以把行拉高。",
    "填好后保存为 .xlsx，登录系统，在“离线填报”里上传；先看到逐项变化，确认后才写入。",
    "下载后如果网上的内容也改过，上传时会把两边并列，由您逐项选择，不会互相覆盖。",
    "佐证材料不能放在这份表里，请在网上自评表的条目下上传。",
    "上传不等于提交：导入后仍要在网上点“提交”。",
)


def longest(field: str) -> int:
    """Return how many characters a field of text may have."""
    kind = field.partition(":")[0]
    return {"note": LONGEST_NOTE, "remark": LONGEST_REMARK}.get(kind, LONGEST_TEXT)


def box_choices(cell: Cell) -> list[str]:
    """Return what a cell of boxes can show: none ticked, then each option ticked."""
    blank = cell.text.replace(_TICKED_BOX, _EMPTY_BOX)
    return [blank.replace(_EMPTY_BOX + one, _TICKED_BOX + one, 1) for one in cell.options] + [blank]


def _listed(options: Iterable[str]) -> str:
    """Return options as the formula of a drop-down; "" where Excel could not hold them."""
    texts = [one.replace('"', '""') for one in options]
    formula = '"' + ",".join(texts) + '"'
    return formula if len(formula) <= _LIST_LIMIT and not any("," in one or "\n" in one for one in texts) else ""


def _choice(options: Sequence[str], title: str) -> DataValidation | None:
    formula = _listed(options)
    if not formula:
        return None
    return DataValidation(
        type="list", formula1=formula, allow_blank=True, showErrorMessage=True, errorTitle=title,
        error="请点右边的箭头，从列表里选择。",
    )  # fmt: skip


def _points(item: Item, cell: str) -> DataValidation:
    """Return the limits of an item's points, said in words when they are broken."""
    title = "自评得分"
    if item.levels:
        said = "；".join(f"{name} {plain_number(points)}分" for name, points in item.levels)
        return DataValidation(
            type="list", formula1=_listed(plain_number(points) for _, points in item.levels) or None, allow_blank=True,
            showErrorMessage=True, errorTitle=title, error=f"只能选：{said}。"[:250],
            showInputMessage=True, promptTitle=title, prompt=f"{said}。"[:250],
        )  # fmt: skip
    step, most = plain_number(item.step), plain_number(item.maximum)
    limit = f"{cell}>=0" if item.unbounded else f"{cell}>=0,{cell}<={most}"
    units = f"MOD(ROUND({cell}*100,0),{plain_number(item.step * 100)})=0"
    said = f"每档 {step} 分。" if item.unbounded else f"填 0 至 {most} 的数字，每档 {step} 分。"
    return DataValidation(
        type="custom", formula1=f"AND(ISNUMBER({cell}),{limit},{units})", allow_blank=True, showErrorMessage=True,
        errorTitle=title, error=said, showInputMessage=True, promptTitle=title,
        prompt=f"{said}{item.guidance}"[:250],
    )  # fmt: skip


def _limits(cell: Cell, field: str, name: str, given: OfflineFacts) -> DataValidation | None:
    """Return what the program checks while somebody types into a cell."""
    kind, _, code = field.partition(":")
    if kind == "check":
        return _choice(box_choices(cell), "情况")
    if kind == "target":
        return _choice(given.annex4.round.grades, "晋位等级")
    if kind == "na":
        return _choice((TICK,), "不适用")
    if kind == "points":
        return _points(next(item for item in given.items if item.code == code), name)
    return DataValidation(
        type="textLength", operator="lessThanOrEqual", formula1=str(longest(field)), allow_blank=True,
        showErrorMessage=True, errorTitle="太长", error=f"最多 {longest(field)} 个字。",
    )  # fmt: skip


def _dress_fields(page: Worksheet, sheet: Sheet, given: OfflineFacts) -> None:
    """Set what open cells accept, and tint them while they are empty. Cells with the same rule share it."""
    cells = {(cell.row, cell.col): cell for cell in sheet.cells if cell.look.editable}
    rules: dict[str, DataValidation] = {}
    empty: dict[bool, list[str]] = {False: [], True: []}
    for place, field in open_fields(sheet, given).items():
        name = cell_name(place[0] + 1, place[1] + 1)
        empty[field.startswith("check:")].append(name)
        limits = _limits(cells[place], field, name, given)
        if limits is None:
            continue
        same = repr(
            (limits.type, str(limits.formula1).replace(name, "@"), limits.error, limits.prompt, limits.errorTitle)
        )
        if same not in rules:
            page.add_data_validation(limits)
        rules.setdefault(same, limits).add(name)
    for boxes, names in empty.items():
        if names:
            test = f'ISERROR(FIND("{_TICKED_BOX}",{names[0]}))' if boxes else f"LEN({names[0]})=0"
            page.conditional_formatting.add(" ".join(names), FormulaRule(formula=[test], fill=_TO_FILL))


def _dress(page: Worksheet, sheet: Sheet, *, given: OfflineFacts, hidden: Sequence[str]) -> None:
    """Lock a page, set what its open cells accept, show which of them are still empty, and add the hidden sheet."""
    page.protection.sheet = True
    page.protection.formatRows = False  # a row may be pulled higher
    if sheet.name != NOTES:
        _dress_fields(page, sheet, given)
        return
    book = page.parent
    book.security = WorkbookProtection(lockStructure=True)
    carrier = book.create_sheet(tickets.SHEET)
    for number, line in enumerate(hidden, 1):
        carrier.cell(number, 1, line)
    carrier.protection.sheet = True
    carrier.sheet_state = "veryHidden"


def _lines(sheet: Sheet, given: OfflineFacts) -> list[Line]:
    """Return the checksums of a laid sheet, row by row."""
    fields = open_fields(sheet, given)
    found = []
    for row in sheet.rows:
        if not row.cells:
            continue
        locked = [(c.col + 1, tickets.essence(_stored(c))) for c in row.cells if not c.look.editable]
        opened = [
            (c.col + 1, fields[c.row, c.col], tickets.checksum(given.values[fields[c.row, c.col]]))
            for c in row.cells
            if c.look.editable
        ]
        sums = tuple((column, tickets.checksum(text)[:6]) for column, text in locked)
        found.append(
            Line(sheet.name, row.cells[0].row + 1, tickets.row_checksum(locked), sums, tuple(opened))
        )  # fmt: skip
    return found


def _stored(cell: Cell) -> object:
    return cell.text if cell.value is None or isinstance(cell.value, str) else cell.value


def build(given: OfflineFacts, ticket: Ticket, key: bytes) -> bytes:
    """Return the workbook of one branch."""
    forms = [annex4_sheet(given), scoring_sheet_laid(given)]
    about = [("党支部", ticket.name), ("轮次", ticket.round_name), ("评分标准", ticket.rubric_title),
             ("下载时间", ticket.made_on), ("离线表号", ticket.form)]  # fmt: skip
    notes = notes_sheet(_NEXT_STEP, about)
    hidden = tickets.write(ticket, [line for sheet in forms for line in _lines(sheet, given)], key)
    titles = xlsx.Properties(title=forms[0].title, author="支部分类定级", subject=ticket.name)
    return xlsx.render([*forms, notes], titles, partial(_dress, given=given, hidden=hidden))
