"""Names of people: pinyin initials for search, kept editable because surnames are read their own way."""

from pypinyin import Style, lazy_pinyin

SURNAMES = {
    "单": "s", "曾": "z", "仇": "q", "解": "x", "查": "z", "朴": "p", "区": "o", "任": "r", "盖": "g", "尉": "w",
    "乐": "y", "万": "w", "翟": "z", "褚": "c", "缪": "m", "覃": "q", "逄": "p", "洗": "x", "燕": "y", "重": "c",
    "宓": "m", "折": "s",
}  # fmt: skip


def initials(name: str) -> str:
    """Return the pinyin initials of a name in lower case, e.g. 欧阳喆 → oyz; at most 30 letters."""
    letters = [part[:1] for part in lazy_pinyin(name, style=Style.NORMAL, errors="ignore")]
    if letters and name[:1] in SURNAMES:
        letters[0] = SURNAMES[name[:1]]
    return "".join(letters).lower()[:30]


def login_name(name: str) -> str:
    """Return the full pinyin of a name as a login name, e.g. 吴勇 → wuyong; 'user' when nothing can be read."""
    syllables = lazy_pinyin(name, style=Style.NORMAL, errors="ignore")
    if syllables and name[:1] in SURNAMES and not syllables[0].startswith(SURNAMES[name[:1]]):
        syllables[0] = {
            "单": "shan",
            "曾": "zeng",
            "仇": "qiu",
            "解": "xie",
            "查": "zha",
            "朴": "piao",
            "区": "ou",
        }.get(name[:1], syllables[0])
    return "".join(syllables).lower()[:40] or "user"
