"""附件5 and 附件4 as PDF, drawn in pieces by two warm workers, against one plain `HTML(...).write_pdf()`.

The plain page is the table as one would write it: one table with a head, collapsed borders, the same texts and fonts,
a page counter. Its fonts are loaded before the clock runs. Ours begins with the facts and ends with the file: laid
out, cut, sent to the workers, drawn, bound, numbered.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from html import escape
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import pikepdf
from weasyprint import CSS, HTML

from bench import excel
from bench.figures import RUNS, Figure, Result, highest_megabytes, in_turns, seconds
from reporting.annexes import annex4, annex5
from reporting.annexes.facts import Annex4, Ballots, Finding, RoundFacts, Secretary, digest
from reporting.making.assembly import Part, assemble
from reporting.making.planning import excerpt
from reporting.tables import Sheet, html, pdf
from reporting.tables.binding import Numbering
from reporting.tables.cells import FRAMED
from reporting.tables.fonts import SCHEME, font_face_css
from reporting.tables.typeset import typesetter
from reporting.tables.xlsx import Properties

ROWS, FORMS, PLAIN_FORMS = 500, 500, 50
RUN_PAGES, RUN_FORMS = 5, 25
CODE = "表单编码 K7Q2-9XMD-4TRA"
TITLES = Properties(title="党支部分类定级")
CHECKS = (
    "组织设置是否合理",
    "支部班子是否健全",
    "组织制度是否完善",
    "发展思路是否清晰",
    "活动开展是否正常",
    "作用发挥是否充分",
)
FORM_ROUND: RoundFacts = replace(excel.ROUND, checks=CHECKS, ballot=("满意", "基本满意", "不满意"))


@cache
def forms(count: int) -> tuple[Annex4, ...]:
    """Return the facts of so many forms, most of their free texts different from each other."""
    return tuple(
        Annex4(
            round=FORM_ROUND, result=row, parent=row.group, founded=None, last_election=None, term_ends=None,
            secretary=Secretary(row.secretary, "女", None, "研究生", "辅导员/讲师", None, f"1700000{number:04d}"),
            committee=f"3人。书记：{row.secretary}；组织委员：林宁（{row.name}）；宣传委员：何宏珊。",
            counts=(32, 21, 11, 22, 32, 1, 31, 1, 46, number % 40),
            findings=tuple(Finding("好", f"{row.problem}，见第{number % 90}号记录") for _ in CHECKS), annual="良好",
            ballots=Ballots(42, 41, 41, (34, 4, 3)),
            problems=f"1．{row.problem}。\n2．主题活动特色不明显（{number}）。",
            goal=f"目标：第二次评定达到{row.target}等级。\n措施：5月底前召开党员大会（责任人：{row.secretary}）。",
            self_submitted=True,
        )
        for number, row in enumerate(excel.branches(count))
    )  # fmt: skip


def plain(sheets: Sequence[Sheet]) -> str:
    """Return tables as the HTML one would write for them: nothing but cells, spans, widths and a page counter."""
    page = sheets[0].page
    out = []
    out.append(
        f"<!doctype html><meta charset=utf-8><style>@page{{size:{page.width_mm}mm {page.height_mm}mm;"
        f"margin:{page.top}mm {page.right}mm {page.bottom}mm {page.left}mm;"
        '@bottom-right{content:"— " counter(page) " —"}}'
        'body{font:10pt "Zhibu Fang","Zhibu Song"}h1{font-size:20pt;text-align:center}'
        "table{border-collapse:collapse;table-layout:fixed;width:100%}tr{break-inside:avoid}"
        "td,th{border:.5pt solid;padding:.5mm;text-align:center;white-space:pre-line}"
        ".page{break-after:page}</style>"
    )
    for sheet in sheets:
        columns = "".join(f"<col style='width:{width}mm'>" for width in sheet.widths_mm)
        head = "".join(_plain_rows(sheet, *sheet.header))
        spans = [(0, len(sheet.rows))] if sheet.kind == "table" else sheet.pages
        for start, stop in spans:
            loose = [row for row in sheet.rows[start:stop] if row.band not in FRAMED]
            out.append(f"<h1>{escape(sheet.title)}</h1>")
            out.extend(f"<p>{escape(cell.text)}</p>" for row in loose for cell in row.cells if cell.text)
            rows = "".join(_plain_rows(sheet, start, stop))
            out.append(f"<table class=page>{columns}<thead>{head}</thead><tbody>{rows}</tbody></table>")
    return "".join(out)


def _plain_rows(sheet: Sheet, start: int, stop: int) -> Iterator[str]:
    for number in range(start, stop):
        row = sheet.rows[number]
        if row.band not in FRAMED or (row.band == "header") != (number < sheet.header[1]):
            continue
        cells = (f"<td colspan={cell.colspan} rowspan={cell.rowspan}>{escape(cell.text)}</td>" for cell in row.cells)
        yield f"<tr style='height:{row.height_mm}mm'>{''.join(cells)}</tr>"


def own_html(sheets: Sequence[Sheet]) -> str:
    """Return the pages of the preview as one document for paper."""
    page = sheets[0].page
    drawn = [html.render_sheet(sheet) for sheet in sheets]
    styles = "\n".join(dict.fromkeys("\n".join(one.style for one in drawn).split("\n")))
    return (
        f"<!doctype html><style>@page{{size:{page.width_mm}mm {page.height_mm}mm;"
        f"margin:{page.top}mm {page.right}mm {page.bottom}mm {page.left}mm}}body{{margin:0}}\n{styles}</style>"
        + "".join(one.body for one in drawn)
    )


def by_html(source: str) -> int:
    """Draw a page of HTML the plain way; returns the size of the file."""
    with pdf.drawing() as setter:
        css, config, fetcher = font_face_css(setter.files), setter.config, setter.fetcher
    style = CSS(string=css, font_config=config, url_fetcher=fetcher, base_url=f"{SCHEME}:")
    content = HTML(string=source, url_fetcher=fetcher).write_pdf(stylesheets=[style], font_config=config)
    return len(content)


def _warm() -> None:
    pdf.warm()


def _draw_run(sheet: Sheet, pages: range, path: Path) -> None:
    """Draw a run of pages in a worker."""
    path.write_bytes(pdf.render_piece([sheet], pages=pages))


def _draw_forms(given: Sequence[tuple[Annex4, Path]]) -> None:
    """Lay out and draw some forms in a worker, each a piece of its own."""
    for facts, path in given:
        path.write_bytes(pdf.render_piece(annex4.sheets(facts, excel.STAMP)))


def _bind(parts: Sequence[Part], target: Path, numbering: Numbering) -> None:
    assemble(parts, target, titles=TITLES, numbering=numbering)


def all_in_one(count: int) -> float:
    """Draw and bind so many forms, all in this process; returns its highest resident memory in megabytes."""
    with tempfile.TemporaryDirectory(prefix="zhibu-bench-pdf-") as folder:
        given = [(facts, Path(folder) / str(number)) for number, facts in enumerate(forms(count))]
        _draw_forms(given)
        _bind([_part(facts, path) for facts, path in given], Path(folder) / "whole.pdf", "each")
    return highest_megabytes()


def _part(facts: Annex4, path: Path) -> Part:
    return Part(path, facts.result.name, facts.parent, CODE)


class Office:
    """Two warm workers and a folder that keeps what they drew under the hash of what it shows."""

    def __init__(self, pool: ProcessPoolExecutor, folder: Path) -> None:
        self.pool = pool
        self.folder = folder
        self.kept: dict[str, Path] = {}
        self.target = folder / "whole.pdf"

    def _path(self, key: str) -> Path:
        return self.folder / key

    def _finish(self, parts: Sequence[Part], numbering: Numbering) -> int:
        self.pool.submit(_bind, parts, self.target, numbering).result()
        return self.target.stat().st_size

    def table(self, rows: Sequence[excel.BranchResult]) -> int:
        """Make 附件5 of these branches; returns its size."""
        given = replace(excel.facts(ROWS), rows=tuple(rows))
        waiting, paths = [], []
        for sheet in annex5.sheets(given, excel.STAMP):
            count = len(sheet.pages)
            runs = -(-count // RUN_PAGES)
            edges = [count * run // runs for run in range(runs + 1)]
            for pages in (range(start, stop) for start, stop in pairwise(edges)):
                slim = excerpt(sheet, pages)
                key = slim.digest
                paths.append(self._path(key))
                if key not in self.kept:
                    self.kept[key] = paths[-1]
                    waiting.append(self.pool.submit(_draw_run, slim, pages, paths[-1]))
        for one in waiting:
            one.result()
        return self._finish([Part(path) for path in paths], "continuous")

    def forms(self, given: Sequence[Annex4]) -> int:
        """Make 附件4 of these branches as one file; returns its size."""
        parts, missing = [], []
        for facts in given:
            key = digest([facts])
            path = self._path(key)
            parts.append(_part(facts, path))
            if key not in self.kept:
                self.kept[key] = path
                missing.append((facts, path))
        runs = [missing[start : start + RUN_FORMS] for start in range(0, len(missing), RUN_FORMS)]
        list(self.pool.map(_draw_forms, runs))
        return self._finish(parts, "each")


def forget() -> None:
    """Drop what this process remembers of texts measured, broken into lines and shaped: a cold run begins without."""
    for name, module in list(sys.modules.items()):
        if name.startswith("reporting.tables.") and not name.endswith(".fonts"):
            for thing in vars(module).values():
                if hasattr(type(thing), "cache_clear") and thing is not typesetter:
                    thing.cache_clear()
    with pdf.drawing() as setter:
        setter.forget()


@contextmanager
def office() -> Iterator[Office]:
    """Lend two workers that have everything loaded and have drawn next to nothing yet."""
    forget()
    with (
        tempfile.TemporaryDirectory(prefix="zhibu-bench-pdf-") as folder,
        ProcessPoolExecutor(2, mp_context=get_context("fork"), initializer=_warm) as pool,
    ):
        made = Office(pool, Path(folder))
        list(pool.map(_draw_forms, [[(one, made.folder / "warm")] for one in forms(2)]))
        yield made


def _timed(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    return in_turns(works, clock=perf_counter)


@cache
def table_times() -> dict[str, float]:
    """Median wall seconds of 附件5: cold, with one branch changed, the plain page, our preview as one page."""
    rows = excel.facts(ROWS).rows
    sheets = annex5.sheets(excel.facts(ROWS), excel.STAMP)
    source, own = plain(sheets), own_html(sheets)
    changes = iter(range(100))

    with ExitStack() as stack:
        desks = [stack.enter_context(office()) for _ in range(RUNS)]
        desk, fresh = desks[0], iter(desks)

        def cold() -> int:
            forget()
            return next(fresh).table(rows)

        def changed() -> int:
            number = ROWS // 2
            other = replace(rows[number], problem=f"改动{next(changes):02d}")
            return desk.table([*rows[:number], other, *rows[number + 1 :]])

        times = _timed({"cold": cold, "changed": changed, "plain": lambda: by_html(source)})
    return times | {"own": seconds(lambda: by_html(own), perf_counter)}


@cache
def form_times() -> dict[str, float]:
    """Median wall seconds of 500 forms: cold, unchanged, ten times the plain page of 50."""
    laid = [annex4.sheets(one, excel.STAMP)[0] for one in forms(PLAIN_FORMS)]
    source, own = plain(laid), own_html(laid)
    given = forms(FORMS)

    with ExitStack() as stack:
        desks = [stack.enter_context(office()) for _ in range(RUNS)]
        desk, fresh = desks[0], iter(desks)

        def cold() -> int:
            forget()
            return next(fresh).forms(given)

        times = _timed({"cold": cold, "unchanged": lambda: desk.forms(given), "plain": lambda: by_html(source)})
    tenfold = FORMS / PLAIN_FORMS
    own_time = seconds(lambda: by_html(own), perf_counter)
    return times | {"plain": times["plain"] * tenfold, "own": own_time * tenfold}


def _ratio(times: Callable[[], dict[str, float]], what: str) -> Callable[[], Result]:
    def measure() -> Result:
        taken = times()
        how = f"{taken[what]:.2f} s ÷ {taken['plain']:.2f} s wall; our preview's HTML in one piece {taken['own']:.1f} s"
        return Result(taken[what] / taken["plain"], how=how)

    return measure


@cache
def sizes() -> dict[str, int]:
    """Bytes of 500 forms bound from pieces, of the same drawn as one, and of the fonts in the bound one."""
    given = forms(FORMS)
    with office() as desk:
        bound = desk.forms(given)
        fonts = font_bytes(desk.target)
        alone = desk.pool.submit(_size_alone, given[0]).result()
    sheets = [replace(sheet, code_line=CODE) for one in given for sheet in annex4.sheets(one, excel.STAMP)]
    whole = len(pdf.render(sheets, TITLES))
    return {"bound": bound, "whole": whole, "fonts": fonts, "alone": alone}


def _size_alone(facts: Annex4) -> int:
    return len(pdf.render(annex4.sheets(facts, excel.STAMP)))


def font_bytes(path: Path) -> int:
    """Return how many bytes of a PDF are font files."""
    with pikepdf.open(path) as document:
        descriptors = [one for one in document.objects if isinstance(one, pikepdf.Dictionary) and "/FontName" in one]
        files = [one.get("/FontFile3", one.get("/FontFile2")) for one in descriptors]
        return sum(len(file.read_raw_bytes()) for file in files)


def merged_size() -> Result:
    """Compare a bound file with one document."""
    found = sizes()
    share = found["fonts"] / found["bound"]
    how = (
        f"{found['bound'] // 1024} KB ÷ {found['whole'] // 1024} KB; fonts {share:.0%}; "
        f"as {FORMS} files of their own {found['alone'] * FORMS // 1024} KB"
    )
    return Result(found["bound"] / found["whole"], how=how)


def memory() -> Result:
    """Memory of a process that does what two workers share, and binds."""
    work = f"import django; django.setup(); from bench import pdf; print(pdf.all_in_one({FORMS}))"
    told = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True)
    return Result(float(told.stdout), "MB", f"all {FORMS} laid out, drawn and bound by one fresh process")


def drawing_cpu() -> Result:
    """Compare processor time in one process, without workers: what the way of drawing alone gains."""
    given = forms(PLAIN_FORMS)
    source = plain([annex4.sheets(one, excel.STAMP)[0] for one in given])

    def ours() -> int:
        forget()
        return len(pdf.render([sheet for one in given for sheet in annex4.sheets(one, excel.STAMP)]))

    times = in_turns({"ours": ours, "plain": lambda: by_html(source)})
    how = f"{times['ours']:.2f} s ÷ {times['plain']:.2f} s CPU, layout included"
    return Result(times["ours"] / times["plain"], how=how)


FIGURES = (
    Figure("附件5 pdf, 500 rows, two workers, cold: wall ÷ plain page", "≤ 0.65", "≤ 0.4", _ratio(table_times, "cold")),
    Figure(
        "附件5 pdf, 500 rows, after one branch changed: wall ÷ plain page",
        "≤ 0.15",
        "≤ 0.05",
        _ratio(table_times, "changed"),
    ),
    Figure("500 附件4, two workers, cold: wall ÷ 10 × plain 50", "≤ 0.6", "≤ 0.3", _ratio(form_times, "cold")),
    Figure("500 附件4, two workers, unchanged: wall ÷ 10 × plain 50", "≤ 0.03", "", _ratio(form_times, "unchanged")),
    Figure("500 附件4: highest memory of a process", "≤ 300", "", memory),
    Figure("500 附件4: bytes bound from pieces ÷ as one document", "", "≤ 1.5", merged_size),
    Figure("50 附件4, one process: CPU ÷ plain page", "", "", drawing_cpu),
)
