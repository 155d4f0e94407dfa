"""Reading of untidy office workbooks: pure, without Django.

    check_upload(name, data)                  uploads.py     refuse before parsing
    read_workbook(name, data) -> Workbook     workbook.py    a neutral grid
    load_vocabulary(path) -> Vocabulary       vocabulary.py  the words of presets/words.toml
    read_roster / read_annual / read_appraisal               rows and problems, by sheet and cell
    match_names(wanted, known) -> MatchResult matching.py    proposals for a person, never a silent merge

The shapes that travel between them are in shapes.py.
"""
