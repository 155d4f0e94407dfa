"""Fill and save a workbook with LibreOffice itself: `python3 fill.py IN.xlsx OUT.xlsx "sheet!A1=text" …`.

Needs LibreOffice with its Python bridge (Debian: libreoffice-calc-nogui, python3-uno). What is a number is typed
as one; a value that begins with an apostrophe is typed as text.
"""

import subprocess
import sys
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

PIPE = "uno:pipe,name=zhibu-fill;urp;StarOffice.ComponentContext"


def connect(desktop: str = "com.sun.star.frame.Desktop"):
    """Return the desktop of a LibreOffice that is starting."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(120):
        try:
            context = resolver.resolve(PIPE)
        except NoConnectException:
            time.sleep(0.5)
            continue
        return context.ServiceManager.createInstanceWithContext(desktop, context)
    raise SystemExit("LibreOffice did not start")


def option(name: str, value: object) -> PropertyValue:
    """Return one option of loading or storing."""
    made = PropertyValue()
    made.Name, made.Value = name, value
    return made


def main(source: str, target: str, *typed: str) -> None:
    """Open, type, store."""
    office = subprocess.Popen(
        [
            "soffice",
            "--headless",
            "--norestore",
            f"--accept={PIPE.removeprefix('uno:').replace(';StarOffice.ComponentContext', ';')}",
        ]
    )
    desktop = connect()
    book = desktop.loadComponentFromURL(Path(source).resolve().as_uri(), "_blank", 0, (option("Hidden", True),))
    for one in typed:
        place, _, value = one.partition("=")
        sheet, _, cell = place.partition("!")
        at = book.Sheets.getByName(sheet).getCellRangeByName(cell)
        if value.replace(".", "", 1).isdigit():
            at.Value = float(value)
        else:
            at.String = value.removeprefix("'")
    kind = "calc8" if target.endswith(".ods") else "Calc MS Excel 2007 XML"
    book.storeToURL(Path(target).resolve().as_uri(), (option("FilterName", kind),))
    book.close(True)
    desktop.terminate()
    office.wait(30)


if __name__ == "__main__":
    main(*sys.argv[1:])
