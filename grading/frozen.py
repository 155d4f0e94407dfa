"""What the database itself refuses to change once a round is final, a rubric published, a correction decided.

Everything a frozen grade rests on is listed: the result, the branch as it was copied, the round's rules and the scale's
words, and what was handed in. Left out on purpose: which stamped forms come back (RoundReturn), what is written about a
final round later (objections, notices), ballot boxes (they destroy what they held), files on disk (their SHA-256 is in
the row). docs/freezing.md.
"""

from branches.guards import Guard

_FINAL = "EXISTS (SELECT 1 FROM {tables} WHERE {link} AND r.state = 'final')"
_BY_ROUND = _FINAL.format(tables="grading_round r", link="r.id = {{row}}.{column}")
_BY_SOURCE = _FINAL.format(
    tables="grading_source s JOIN grading_round r ON r.id = s.round_id", link="s.id = {{row}}.{column}"
)
_UNITS = "grading_roundunit u JOIN grading_round r ON r.id = u.round_id"
_BY_UNIT = _FINAL.format(tables=_UNITS, link="u.id = {{row}}.{column}")


def _through(table: str) -> str:
    """Return the condition of a row that hangs on a row of `table`, which hangs on a unit."""
    return _FINAL.format(tables=f"{_UNITS} JOIN {table} t ON t.unit_id = u.id", link="t.id = {{row}}.{column}")


# Condition, the column it asks for, and the tables it guards: no row arrives, changes or goes once the round is final.
_HANGING: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        _BY_ROUND,
        "round_id",
        ("roundunit", "roundstep", "roundrubric", "source", "cutoff", "gate", "vetoitem", "cap", "surveycheck",
         "publicityplan", "publicitygrade", "spotcheckrule", "spotcheckdraw", "problembox", "comparison"),
    ),
    (_BY_SOURCE, "source_id", ("appraisaloption", "annualpoints", "votergroup")),
    (
        _BY_UNIT,
        "unit_id",
        ("assessment", "evidence", "annualresult", "appraisalcount", "exemption", "extension", "survey", "vetoreview",
         "vetofinding", "countentry", "spotcheck", "fallreason"),
    ),
    (_through("grading_assessment"), "assessment_id", ("score",)),
    (_through("grading_evidence"), "evidence_id", ("evidenceuse",)),
    (_through("grading_survey"), "survey_id", ("surveyfinding",)),
    (_through("grading_result"), "result_id", ("confirmation",)),
    (
        _FINAL.format(
            tables="grading_comparison t JOIN grading_round r ON r.id = t.round_id", link="t.id = {{row}}.{column}"
        ),
        "comparison_id",
        ("gradematch",),
    ),
    (_FINAL.format(tables="grading_round r", link="r.scale_id = {{row}}.{column}"), "scale_id", ("grade",)),
    (_FINAL.format(tables="grading_round r", link="r.scale_id = {{row}}.{column}"), "id", ("gradescale",)),
)  # fmt: skip

_RUBRIC = "EXISTS (SELECT 1 FROM {tables} WHERE {link} AND b.state = 'published')"
_PUBLISHED = (
    (_RUBRIC.format(tables="grading_rubric b", link="b.id = {{row}}.rubric_id"), "section"),
    (
        _RUBRIC.format(
            tables="grading_section s JOIN grading_rubric b ON b.id = s.rubric_id", link="s.id = {{row}}.section_id"
        ),
        "criterion",
    ),
    (
        _RUBRIC.format(
            tables="grading_criterion c JOIN grading_section s ON s.id = c.section_id "
            "JOIN grading_rubric b ON b.id = s.rubric_id",
            link="c.id = {{row}}.criterion_id",
        ),
        "level",
    ),
)

# A further version of a result in a final round stands on an approved correction of the version before it.
_APPROVED = (
    "SELECT 1 FROM grading_correction k JOIN grading_result o ON o.id = k.result_id "
    "WHERE o.unit_id = {row}.unit_id AND o.version = {row}.version - 1 AND k.state = 'approved' "
    "AND k.grade_id = {row}.decided_grade_id"
)
_UNFOUNDED = " AND ".join(
    (
        _BY_UNIT.format(column="unit_id").format(row="{row}"),
        f"({{row}}.frozen_at IS NULL OR NOT EXISTS ({_APPROVED}))",
    )
)


def guards() -> tuple[Guard, ...]:
    """Return the guards of grading."""
    by_round = _BY_ROUND.format(column="round_id")
    hanging = [
        Guard(f"grading_{table}", when=(found := condition.format(column=column)), arriving=found)
        for condition, column, tables in _HANGING
        for table in tables
    ]
    published = [
        Guard(f"grading_{table}", when=(found := condition.format()), arriving=found) for condition, table in _PUBLISHED
    ]
    return (
        Guard("grading_result", when="{row}.frozen_at IS NOT NULL", arriving=_UNFOUNDED),
        Guard("grading_round", when="{row}.state = 'final'"),
        Guard("grading_rubric", when="{row}.state = 'published'"),
        Guard("grading_localguidance", when=f"({{row}}.state = 'published' OR {by_round})", arriving=by_round),
        Guard("grading_correction", when="{row}.state <> 'proposed'", inserting="{row}.state <> 'proposed'"),
        Guard("grading_receipt"),
        Guard("grading_roundsnapshot"),
        Guard("grading_publicityline"),
        *hanging,
        *published,
    )
