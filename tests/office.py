"""LibreOffice opens what the product writes, with the official names of fonts answered by the packaged ones."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FONTS = Path(__file__).resolve().parents[1] / "static" / "fonts"
#: Which packaged family answers to the name an office's computer would know.
ANSWERS = {
    "宋体": "Zhibu Song",
    "仿宋_GB2312": "Zhibu Fang",
    "楷体_GB2312": "Zhibu Kai",
    "黑体": "Zhibu Hei",
    "方正小标宋简体": "Zhibu Title",
}
TIMEOUT_SECONDS = 180


def _fonts_conf(folder: Path) -> Path:
    """Write the file that tells fontconfig about the fonts; widths of columns follow from 宋体."""
    rules = "".join(
        f'<match target="pattern"><test name="family" qual="any"><string>{name}</string></test>'
        f'<edit name="family" mode="assign" binding="strong"><string>{family}</string></edit></match>'
        for name, family in ANSWERS.items()
    )
    path = folder / "fonts.conf"
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{FONTS}</dir>'
        f"<cachedir>{folder / 'cache'}</cachedir>{rules}</fontconfig>",
        encoding="utf-8",
    )
    return path


def converted(workbooks: Sequence[Path], into: Path, *, to: str = "pdf") -> list[Path]:
    """Open workbooks in LibreOffice and save each as another kind of file.

    Raises:
        RuntimeError: when LibreOffice is not installed or made no file.
    """
    program = shutil.which("soffice")
    if program is None:
        raise RuntimeError("LibreOffice is not installed; `make soak` installs it")
    into.mkdir(parents=True, exist_ok=True)
    command = [program, f"-env:UserInstallation={(into / 'profile').as_uri()}", "--headless", "--norestore"]
    subprocess.run(
        [*command, "--convert-to", to, "--outdir", str(into), *map(str, workbooks)],
        check=True,
        timeout=TIMEOUT_SECONDS,
        capture_output=True,
        env={**os.environ, "FONTCONFIG_FILE": str(_fonts_conf(into))},
    )
    made = [into / f"{path.stem}.{to}" for path in workbooks]
    missing = [path.name for path in made if not path.exists()]
    if missing:
        raise RuntimeError(f"LibreOffice did not make {'、'.join(missing)}")
    return made
