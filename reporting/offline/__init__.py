"""附件4 and the scoring sheet as a locked workbook, and back: pure, without Django models (docs/offline.md).

ticket.py: the hidden sheet, checksums by row, the signature. forms.py: the official forms with cells to fill in.
workbook.py: facts → workbook. reader.py: returned workbook → what was typed, with faults by cell. bundle.py: a zip of
returned workbooks. sandbox.py: reading strangers' files in a process that may die.
"""
