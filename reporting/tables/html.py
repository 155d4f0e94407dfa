"""A sheet as HTML: the preview on screen, page by page as it prints. Reads cells only; writes no style attribute.

Widths, heights and type stand in a style sheet returned beside the markup, for the caller to put under its nonce.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple
from zlib import crc32

from reporting.tables.cells import FRAMED, Cell, Face, Look, Row, Sheet
from reporting.tables.html_list import render_list, safe_href
from reporting.tables.metrics import INDENT_MM, LINE_HEIGHT, lines_of

__all__ = ["FONT_STACKS", "Rendered", "render_list", "render_sheet"]

#: Fonts of the site, then the packaged ones with those for rare characters and boxes, then what a screen may have.
FONT_STACKS: dict[Face, str] = {
    "fang": '"Zhibu Site Fang","Zhibu Fang","Zhibu Song","Zhibu Box","仿宋_GB2312",FangSong,仿宋,STFangsong,serif',
    "kai": '"Zhibu Site Kai","Zhibu Kai","Zhibu Song","Zhibu Box","楷体_GB2312","KaiTi","楷体","STKaiti",serif',
    "hei": '"Zhibu Site Hei","Zhibu Hei","Zhibu Song","Zhibu Box","SimHei","黑体","Heiti SC",sans-serif',
    "title": '"Zhibu Site Title","Zhibu Title","Zhibu Song","Zhibu Box","方正小标宋简体","FZXiaoBiaoSong-B05S",serif',
    "song": '"Zhibu Site Song","Zhibu Song","Zhibu Box","SimSun","宋体",serif',
}

_COMMON = """
.zt{color:#000;background:#fff;font-variant-ligatures:none}
.zt table{border-collapse:collapse;table-layout:fixed;border-spacing:0;margin:0}
.zt td,.zt th{box-sizing:border-box;padding:.2mm .5mm;font-weight:400;line-height:LINE;white-space:pre-wrap;
overflow-wrap:anywhere;word-break:normal}
.zt a{color:inherit;text-decoration:underline dotted}
.zt h2{font:inherit;margin:0;line-height:inherit}
.zt-frame{border:1.5pt solid #000}
.zt-frame td,.zt-frame th,.zt .zt-box{border:.5pt solid #000}
.zt .zt-ot{border-top-style:hidden}.zt .zt-ob{border-bottom-style:hidden}
.zt-frame tr{break-inside:avoid}.zt thead{display:table-header-group}
"""
_PAGED = """
.zt-page{box-sizing:border-box;position:relative}
.zt-foot{position:absolute}.zt-folio{font-size:14pt;line-height:1;text-align:right;padding:0 1em}
.zt-even .zt-folio{text-align:left}
.zt-code{position:absolute;left:0;right:0;bottom:.5mm;text-align:center;font-size:8pt;line-height:1}
@media screen{.zt-page{margin:0 auto 6mm;border:1px solid #d9d9d9;background:#fff}}
@media print{.zt-page{break-after:page}.zt:last-child .zt-page:last-child{break-after:auto}}
"""
#: Less than the paper, that a browser's rounding does not spill an empty page.
_SLACK_MM = 0.4


class Rendered(NamedTuple):
    """Markup and the style sheet that belongs to it."""

    body: str
    style: str


class _Writer:
    """Writes one sheet; lives for one call of render_sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.prefix = f"zt-{crc32(repr((sheet.page, sheet.widths_mm)).encode()):08x}"
        self.looks: dict[Look, str] = {}
        self.heights: dict[int, str] = {}
        self.columns = "".join(f'<col class="{self.prefix}-c{index}">' for index in range(len(sheet.widths_mm)))

    def look_class(self, look: Look) -> str:
        """Return the classes of a look, remembering it for the style sheet."""
        known = self.looks.get(look)
        if known is None:
            known = f"zt-k{crc32(repr(look).encode()):08x}"
            known += " zt-ot" if look.open_top else ""
            known += " zt-ob" if look.open_bottom else ""
            known += " zt-box" if look.style.startswith("block") else ""
            self.looks[look] = known
        return known

    def height_class(self, height: float) -> str:
        """Return the class of a row height in hundredths of a millimetre."""
        hundredths = round(height * 100)
        return self.heights.setdefault(hundredths, f"zt-h{hundredths}")

    def text(self, cell: Cell) -> str:
        """Return what a cell shows, escaped."""
        text = escape("\n".join(lines_of(cell.text, cell.look, 0)) if cell.look.vertical else cell.text)
        href = safe_href(cell.href) if cell.href else ""
        if href:
            return f'<a href="{escape(href)}">{text}</a>'
        return f"<h2>{text}</h2>" if cell.look.style == "title" else text

    def cell(self, cell: Cell, *, head: bool) -> str:
        """Return one cell."""
        spans = f' rowspan="{cell.rowspan}"' if cell.rowspan > 1 else ""
        spans += f' colspan="{cell.colspan}"' if cell.colspan > 1 else ""
        names = self.look_class(cell.look)
        if head:
            scope = "colgroup" if cell.colspan > 1 else "col"
            return f'<th scope="{scope}" class="{names}"{spans}>{self.text(cell)}</th>'
        if cell.look.style == "label":
            scope = "rowgroup" if cell.rowspan > 1 else "row"
            return f'<th scope="{scope}" class="{names}"{spans}>{self.text(cell)}</th>'
        return f'<td class="{names}"{spans}>{self.text(cell)}</td>'

    def rows(self, rows: Sequence[Row], *, head: bool = False) -> Iterator[str]:
        """Write rows; the columns no cell covers get one empty cell each run."""
        for row in rows:
            yield f'<tr class="{self.height_class(row.height_mm)}">'
            if row.band in FRAMED:
                for cell in row.cells:
                    yield self.cell(cell, head=head)
            else:
                yield from self._loose(row)
            yield "</tr>"

    def _loose(self, row: Row) -> Iterator[str]:
        """Write a row outside the frame, whose cells may leave columns free."""
        position = 0
        for cell in row.cells:
            if cell.col > position:
                yield f'<td colspan="{cell.col - position}"></td>'
            yield self.cell(cell, head=False)
            position = cell.col + cell.colspan
        if position < len(self.sheet.widths_mm):
            yield f'<td colspan="{len(self.sheet.widths_mm) - position}"></td>'

    def page(self, number: int, start: int, stop: int) -> Iterator[str]:
        """Write one page: lines above the frame, the frame with its head, what follows it."""
        sheet = self.sheet
        header = sheet.rows[sheet.header[0] : sheet.header[1]]
        side = "" if number % 2 else " zt-even"
        yield f'<section class="zt-page{side} {self.prefix}-page" aria-label="第{number}页">'
        bands = [row for row in sheet.rows[start:stop] if row.band != "header"]
        for band, group in groupby(bands, key=lambda row: "frame" if row.band in FRAMED else row.band):
            if band != "frame":
                yield f'<table class="{self.prefix}-t" role="presentation"><colgroup>{self.columns}</colgroup><tbody>'
                yield from self.rows(tuple(group))
            else:
                yield f'<table class="{self.prefix}-t zt-frame"><colgroup>{self.columns}</colgroup>'
                if header:
                    yield "<thead>"
                    yield from self.rows(header, head=True)
                    yield "</thead>"
                yield "<tbody>"
                yield from self.rows(tuple(group))
            yield "</tbody></table>"
        code = f'<div class="zt-code">{escape(sheet.code_line)}</div>' if sheet.code_line else ""
        yield f'<div class="zt-foot">{code}<div class="zt-folio" aria-hidden="true">— {number} —</div></div></section>'

    def style(self) -> str:
        """Return the style sheet of what was written."""
        sheet, prefix = self.sheet, self.prefix
        rules = [_COMMON.replace("LINE", str(LINE_HEIGHT))]
        rules.append(f".{prefix}-t{{width:{sum(sheet.widths_mm):.2f}mm}}")
        rules.extend(f".{prefix}-c{index}{{width:{width:.2f}mm}}" for index, width in enumerate(sheet.widths_mm))
        rules.extend(f".{name}{{height:{hundredths / 100:.2f}mm}}" for hundredths, name in self.heights.items())
        rules.extend(f".zt .{names.split()[0]}{{{_look_rule(look)}}}" for look, names in self.looks.items())
        page = sheet.page
        box = f"{page.top}mm {page.right}mm {page.bottom}mm {page.left}mm"
        rules.append(_PAGED)
        rules.append(f".{prefix}-page{{width:{page.width_mm}mm;padding:{box}}}")
        foot = f"left:{page.left}mm;right:{page.right}mm;bottom:calc({page.bottom / 2:g}mm - 7pt)"
        rules.append(f".{prefix}-page .zt-foot{{{foot}}}")
        rules.append(f"@media screen{{.{prefix}-page{{min-height:{page.height_mm}mm}}}}")
        rules.append(f"@page {prefix}{{size:{page.width_mm}mm {page.height_mm}mm;margin:0}}")
        paper = f"page:{prefix};min-height:{page.height_mm - _SLACK_MM:g}mm"
        rules.append(f"@media print{{.{prefix}-page{{{paper}}}}}")
        return "\n".join(rules)


def _look_rule(look: Look) -> str:
    """Return the declarations of a look."""
    return (
        f"font-family:{FONT_STACKS[look.face]};font-size:{look.points:g}pt;"
        f"text-align:{look.align};vertical-align:{look.valign}"
        + (f";padding-left:{INDENT_MM}mm" if look.indent else "")
    )


def render_sheet(sheet: Sheet, *, first: int = 1) -> Rendered:
    """Draw a sheet page by page, for the screen and for paper; `first` is the number of its first page.

    Returns:
        the markup and its style sheet; the text of every cell is escaped.
    """
    writer = _Writer(sheet)
    parts = [f'<div class="zt zt-{escape(sheet.slug)}" lang="zh-Hans">']
    for number, (start, stop) in enumerate(sheet.pages, first):
        parts.extend(writer.page(number, start, stop))
    parts.append("</div>")
    return Rendered("".join(parts), writer.style())
