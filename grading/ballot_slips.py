"""The sheet of 评议码 to cut: what stands on a slip. The codes pass through memory only and are drawn once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import segno

from reporting.tables.slips import Line, Matrix, Slip, render
from reporting.tables.xlsx import Properties

CODE_POINTS = 10
#: Any mask can be read; looking for the prettiest of eight takes most of the time.
MASK = 2


@dataclass(frozen=True, slots=True)
class Ticket:
    """One code with what a voter has to know: whose work is judged, by which voters, until when."""

    branch: str
    group: str
    until: str
    code: str


def qr(text: str) -> Matrix:
    """Return the modules of a QR code that survives a crease."""
    code = segno.make(text, error="m", micro=False, mask=MASK)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def address_with(address: str, code: str) -> str:
    """Return the address a QR code leads to: the code stands behind #, which no browser sends to a server."""
    return f"{address}#{code}"


def _code_lines(code: str) -> str:
    """Break a code in two where its groups allow it."""
    groups = code.split("-")
    half = (len(groups) + 1) // 2
    return "\n".join("-".join(part) for part in (groups[:half], groups[half:]) if part)


def slip(ticket: Ticket, address: str) -> Slip:
    """Return what is printed for one code."""
    about = "　".join(part for part in (ticket.group, ticket.until) if part)
    shown = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    lines = [
        Line(ticket.branch, "hei", 9, most=2, above_mm=0),
        *([Line(about, points=8, most=2)] if about else []),
        Line("评议码", points=7, above_mm=1.2),
        Line(_code_lines(ticket.code), "hei", CODE_POINTS, most=2, above_mm=0),
        Line(f"手机扫码，或打开 {shown} 输入评议码", points=7, across=True),
        Line("不记名，只能用一次。请勿拍照转发。", points=7, above_mm=0, across=True),
    ]
    stack = "　".join(part for part in (ticket.branch, ticket.group) if part)
    return Slip(stack, tuple(lines), qr(address_with(address, ticket.code)))


def sheet(tickets: Sequence[Ticket], *, title: str, address: str, font_dirs: Sequence[Path | str] = ()) -> bytes:
    """Return the PDF with one slip for each ticket, 21 on a page, each branch and group on pages of its own."""
    return render([slip(one, address) for one in tickets], Properties(title=title), font_dirs=font_dirs)


def qr_path(code: str, address: str) -> tuple[str, int]:
    """Return the dark modules of a code's QR as the path of an SVG, with the width of its view box."""
    modules = qr(address_with(address, code))
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(modules) for x, dark in enumerate(row) if dark)
    return path, len(modules)
