"""A sheet as PDF by WeasyPrint: the pages of the paginator, fonts embedded, page numbers odd right and even left.

The renderer reaches nothing but the fonts it knows: no file, no network, no redirect.
"""

import datetime as dt
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from html import escape
from pathlib import Path

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from reporting.tables.cells import Sheet
from reporting.tables.fonts import SCHEME, FontFile, font_face_css, packaged_fonts, site_fonts
from reporting.tables.html import FONT_STACKS, render_sheet
from reporting.tables.xlsx import Properties

_NUMBER = f'content:"— " counter(page) " —";font-family:{FONT_STACKS["song"]};font-size:14pt'
_PAPER_CSS = f"""
@page{{margin:0}}
@page:right{{@bottom-right{{{_NUMBER};padding-right:14pt}}}}
@page:left{{@bottom-left{{{_NUMBER};padding-left:14pt}}}}
html,body{{margin:0;padding:0}}
.zt-page{{break-after:page}}
.zt h2{{bookmark-level:1;bookmark-label:content()}}
.zt .zt-group{{bookmark-level:2;bookmark-label:content();bookmark-state:closed}}
"""


class AssetFetcher(URLFetcher):
    """Answers for data: addresses and the known fonts; refuses everything else."""

    def __init__(self, fonts: Sequence[FontFile]) -> None:
        super().__init__(allowed_protocols=("data", SCHEME), allow_redirects=False)
        self._paths = {font.address: font.path for font in fonts}

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return a font or the content of a data: address. Raises ValueError for any other address."""
        if url in self._paths:
            return URLFetcherResponse(url, self._paths[url].read_bytes(), {"Content-Type": "font/otf"})
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        raise ValueError("a document may fetch nothing but its fonts")


class _Engine:
    """Fonts and the common style sheet, loaded once in a process."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        fonts = [*site_fonts(folders), *packaged_fonts()]
        self.fetcher = AssetFetcher(fonts)
        self.fonts = FontConfiguration()
        self.css = CSS(
            string=font_face_css(fonts) + _PAPER_CSS,
            url_fetcher=self.fetcher,
            font_config=self.fonts,
            base_url=f"{SCHEME}:",
        )

    def write(self, source: str) -> bytes:
        """Return the PDF of a page of HTML."""
        document = HTML(string=source, url_fetcher=self.fetcher, base_url=f"{SCHEME}:")
        return bytes(document.write_pdf(stylesheets=[self.css], font_config=self.fonts))


@lru_cache(maxsize=4)
def _engine(folders: tuple[Path, ...]) -> _Engine:
    return _Engine(folders)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Hold the cyclic collector off: it costs a quarter of a rendering and frees nothing meanwhile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _page_rule(sheet: Sheet) -> str:
    """Return the page of a sheet's paper."""
    page = sheet.page
    name = f"zt-{page.size}-{page.orientation}-{page.top:g}-{page.right:g}-{page.bottom:g}-{page.left:g}".replace(
        ".", "_"
    )
    size = f"{page.width_mm:g}mm {page.height_mm:g}mm"
    margins = f"{page.top:g}mm {page.right:g}mm {page.bottom:g}mm {page.left:g}mm"
    return f"@page {name}{{size:{size};margin:{margins}}}\n.{name}{{page:{name}}}"


def _numbering(first_page: int) -> str:
    """Return the rules for a part of a longer document: its first number, and the sides of its pages."""
    if first_page == 1:
        return ""
    rules = f"@page:first{{counter-reset:page {first_page}}}"
    if first_page % 2 == 0:
        rules += f"@page:right{{@bottom-right{{content:none}}@bottom-left{{{_NUMBER};padding-left:14pt}}}}"
        rules += f"@page:left{{@bottom-left{{content:none}}@bottom-right{{{_NUMBER};padding-right:14pt}}}}"
    return rules


def source_of(
    sheets: Sequence[Sheet], properties: Properties | None = None, *, pages: range | None = None, first_page: int = 1
) -> str:
    """Return the HTML document that is rendered.

    Args:
        sheets: what it shows, one after the other, each beginning a page.
        properties: title, author and dates of the file.
        pages: which pages of each sheet; all when None.
        first_page: number of the first page, where this is a part of a longer document.
    """
    chosen = properties or Properties()
    rules: dict[str, None] = {}
    bodies = []
    for sheet in sheets:
        drawn = render_sheet(sheet, breaks=True, pages=pages)
        rule = _page_rule(sheet)
        name = rule.split("{", 1)[0].removeprefix("@page ")
        rules.update(dict.fromkeys([rule, *drawn.style.split("\n")]))
        bodies.append(f'<div class="{name}">{drawn.body}</div>')
    metas = {"author": chosen.author, "description": chosen.subject, "keywords": chosen.keywords}
    if chosen.created is not None:
        moment = chosen.created.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        metas |= {"dcterms.created": moment, "dcterms.modified": moment}
    head = "".join(f'<meta name="{name}" content="{escape(content)}">' for name, content in metas.items() if content)
    title = escape(chosen.title or sheets[0].title)
    return (
        f'<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>{title}</title>{head}'
        f"<style>{chr(10).join(rules)}{_numbering(first_page)}</style></head><body>{''.join(bodies)}</body></html>"
    )


def render(
    sheets: Sequence[Sheet],
    properties: Properties | None = None,
    *,
    font_dirs: Sequence[Path | str] = (),
    pages: range | None = None,
    first_page: int = 1,
) -> bytes:
    """Return sheets as one PDF.

    Args:
        sheets: at least one.
        properties: document properties.
        font_dirs: folders with a site's own fonts, which come before the packaged ones.
        pages: which pages of each sheet, counted from 0; all when None.
        first_page: number of the first page, where this is a part of a longer document.

    Raises:
        ValueError: without a sheet.
    """
    if not sheets:
        raise ValueError("a document needs a sheet")
    engine = _engine(tuple(Path(folder) for folder in font_dirs))
    with _collector_off():
        return engine.write(source_of(sheets, properties, pages=pages, first_page=first_page))
