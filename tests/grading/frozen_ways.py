"""Ways to change a frozen grade, or what it rests on, as somebody who holds the web's connection would try.

`@way` marks a function that gets a Target. `control=False`: the try makes no sense as the owner without guards, because
something else than a guard refuses it, or because it would wreck the test's own database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connections

from branches import clock
from grading.models import (
    AnnualResult,
    AppraisalCount,
    Assessment,
    Cap,
    Correction,
    CutOff,
    Grade,
    Receipt,
    Result,
    Round,
    RoundSnapshot,
    RoundUnit,
    Score,
    Source,
    VetoFinding,
)


@dataclass(frozen=True)
class Target:
    """What is attacked: the connection used, a frozen result, its round, another grade, two accounts."""

    using: str
    result: Result
    other: Grade
    accounts: tuple[int, int]

    @property
    def rows(self):
        return Result.objects.using(self.using).filter(pk=self.result.pk)

    @property
    def unit(self):
        return RoundUnit.objects.using(self.using).filter(pk=self.result.unit_id)

    @property
    def round(self):
        return Round.objects.using(self.using).filter(pk=self.result.unit.round_id)

    def of(self, model, **lookup):
        return model.objects.using(self.using).filter(**lookup)

    def run(self, *statements):
        with connections[self.using].cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.format(id=self.result.pk, grade=self.other.pk, unit=self.result.unit_id))


@dataclass(frozen=True)
class Way:
    name: str
    act: Callable[[Target], object]
    vendors: tuple[str, ...]
    control: bool


WAYS: list[Way] = []


def way(*vendors, control=True):
    def keep(act):
        WAYS.append(Way(act.__name__, act, vendors or ("sqlite", "postgresql"), control))
        return act

    return keep


def statements(kind, texts, vendor="", **more):
    """Declare a way for each statement."""
    for number, text in enumerate(texts, start=1):

        def act(target, text=text):
            target.run(*(text if isinstance(text, tuple) else (text,)))

        act.__name__ = f"{kind} {number}: {text}"[:90]
        way(*([vendor] if vendor else []), **more)(act)


# --- through the ORM ---------------------------------------------------------------------------------------------


@way()
def update(t):
    t.rows.update(decided_grade_id=t.other.pk, manual=True, manual_reason="改")


@way()
def save(t):
    row = t.rows.get()
    row.decided_grade_id, row.manual, row.manual_reason = t.other.pk, True, "改"
    row.save(using=t.using)


@way()
def save_one_field(t):
    row = t.rows.get()
    row.body = "x"
    row.save(using=t.using, update_fields=["body"])


@way()
def bulk_update(t):
    row = t.rows.get()
    row.composite = Decimal(1)
    Result.objects.using(t.using).bulk_update([row], ["composite"])


@way()
def update_or_create(t):
    Result.objects.using(t.using).update_or_create(pk=t.result.pk, defaults={"document_number": "改"})


@way()
def upsert_by_bulk_create(t):
    row = t.rows.get()
    row.document_number = "改"
    Result.objects.using(t.using).bulk_create(
        [row], update_conflicts=True, update_fields=["document_number"], unique_fields=["id"]
    )


@way()
def delete_the_rows(t):
    t.rows.delete()


@way()
def delete_the_object(t):
    t.rows.get().delete(using=t.using)


@way()
def raw_delete(t):
    t.rows._raw_delete(t.using)


@way()
def thaw(t):
    t.rows.update(frozen_at=None)


@way()
def forge_the_inputs(t):
    t.rows.update(inputs={})


@way()
def forge_the_derivation(t):
    t.rows.update(derivation={})


@way()
def newer_version_without_correction(t):
    row = t.rows.get()
    row.pk, row.version, row.decided_grade_id, row.manual, row.manual_reason = None, 2, t.other.pk, True, "改"
    row.save(using=t.using, force_insert=True)


@way()
def newer_version_on_a_proposal(t):
    Correction.objects.using(t.using).create(
        result_id=t.result.pk, grade_id=t.other.pk, reason="改", body="x", document_number="1", proposed_at=clock.now(),
        proposed_by_id=t.accounts[0],
    )  # fmt: skip
    newer_version_without_correction(t)


@way()
def correction_that_begins_approved(t):
    Correction.objects.using(t.using).create(
        result_id=t.result.pk, grade_id=t.other.pk, reason="改", body="x", document_number="1", proposed_at=clock.now(),
        proposed_by_id=t.accounts[0], decided_by_id=t.accounts[1], decided_at=clock.now(), state="approved",
    )  # fmt: skip


@way(control=False)
def approve_ones_own_correction(t):
    Correction.objects.using(t.using).create(
        result_id=t.result.pk, grade_id=t.other.pk, reason="改", body="x", document_number="1", proposed_at=clock.now(),
        proposed_by_id=t.accounts[0],
    )  # fmt: skip
    t.of(Correction).update(state="approved", decided_by_id=t.accounts[0], decided_at=clock.now())


# --- what the grade rests on -------------------------------------------------------------------------------------


@way()
def reopen_the_round(t):
    t.round.update(state="deciding")


@way()
def change_the_rounding(t):
    t.round.update(places=0)


@way()
def rename_the_branch(t):
    t.unit.update(name="另一个支部")


@way()
def move_to_another_general_branch(t):
    t.unit.update(parent_name="另一个党总支")


@way()
def take_it_out_of_grading(t):
    t.unit.update(graded=False, not_graded_reason="改")


@way()
def rename_the_grade(t):
    t.of(Grade, pk=t.result.decided_grade_id).update(label="后进生")


@way()
def add_a_grade(t):
    scale = t.of(Grade, pk=t.result.decided_grade_id).get().scale_id
    Grade.objects.using(t.using).create(scale_id=scale, rank=9, code="new", label="新")


@way()
def change_points(t):
    t.of(Score, assessment__unit=t.result.unit_id).update(points=0)


@way()
def delete_points(t):
    t.of(Score, assessment__unit=t.result.unit_id)._raw_delete(t.using)


@way()
def change_a_sum(t):
    t.of(Assessment, unit=t.result.unit_id).update(earned=1)


@way()
def change_ballot_counts(t):
    t.of(AppraisalCount, unit=t.result.unit_id).update(counts={"unsatisfied": 20})


@way()
def change_the_annual_result(t):
    t.of(AnnualResult, unit=t.result.unit_id).update(label="差")


@way()
def add_a_veto(t):
    item = t.round.get().veto_items.using(t.using).first()
    VetoFinding.objects.using(t.using).create(
        unit_id=t.result.unit_id, item_id=item.pk, note="改", established_at=clock.now()
    )


@way()
def change_a_weight(t):
    t.of(Source, round=t.result.unit.round_id, code="self").update(weight=1)


@way()
def change_a_cut_off(t):
    t.of(CutOff, round=t.result.unit.round_id, minimum__gte=90).update(minimum=1)


@way()
def add_a_cap(t):
    Cap.objects.using(t.using).create(
        round_id=t.result.unit.round_id, ordinal=90, grade_id=t.other.pk, value=0, side="at_least"
    )


@way()
def change_the_snapshot(t):
    t.of(RoundSnapshot).update(rules={})


@way()
def change_a_receipt(t):
    t.of(Receipt).update(late=True)


UPSERT = """INSERT INTO grading_result SELECT * FROM grading_result WHERE id = {id}
ON CONFLICT (id) DO UPDATE SET body = 'x'"""
BLINDFOLD = """CREATE TRIGGER a BEFORE UPDATE ON grading_result FOR EACH ROW
EXECUTE FUNCTION suppress_redundant_updates_trigger()"""
REPLACED_FUNCTION = """CREATE OR REPLACE FUNCTION zhibu_grading_result_update() RETURNS trigger AS
$$BEGIN RETURN NEW; END$$ LANGUAGE plpgsql"""

# --- by hand, on both --------------------------------------------------------------------------------------------

statements(
    "sql",
    (
        "UPDATE grading_result SET decided_grade_id = {grade}, manual = true, manual_reason = 'x' WHERE id = {id}",
        "UPDATE grading_result SET body = 'x'",
        "UPDATE grading_result SET body = 'x' WHERE EXISTS (SELECT 1 FROM grading_round)",
        "WITH c AS (SELECT id FROM grading_result) UPDATE grading_result SET body = 'x' WHERE id IN (SELECT id FROM c)",
        "DELETE FROM grading_result WHERE id = {id}",
        "DELETE FROM grading_result",
        UPSERT,
        "UPDATE grading_round SET state = 'publicity' WHERE state = 'final'",
        "UPDATE grading_rubric SET state = 'draft', published_at = NULL",
        "UPDATE grading_section SET points = 0",
        "UPDATE grading_criterion SET points = 0",
        "DELETE FROM branches_auditentry",
        "UPDATE branches_transitionlog SET to_state = 'deciding'",
    ),
)
statements(
    "ddl",
    (
        "ALTER TABLE grading_result RENAME TO elsewhere",
        "ALTER TABLE grading_result DROP COLUMN satisfaction",
        "ALTER TABLE grading_result ADD COLUMN shadow integer",
        "CREATE TABLE mine (id integer)",
        "CREATE TEMPORARY TABLE grading_round (id integer, state text)",
        "CREATE VIEW mine AS SELECT * FROM grading_result",
        "CREATE INDEX mine ON grading_result (body)",
    ),
)
statements("migrations", ("DELETE FROM django_migrations", "UPDATE django_migrations SET name = 'x'"), control=False)

# --- SQLite ------------------------------------------------------------------------------------------------------

statements(
    "sqlite",
    (
        "REPLACE INTO grading_result SELECT * FROM grading_result WHERE id = {id}",
        "INSERT OR REPLACE INTO grading_result SELECT * FROM grading_result WHERE id = {id}",
        "UPDATE OR REPLACE grading_result SET body = 'x' WHERE id = {id}",
        "UPDATE OR IGNORE grading_result SET body = 'x' WHERE id = {id}",
        "DROP TRIGGER IF EXISTS zhibu_grading_result_update",
        "DROP TABLE grading_result",
        "PRAGMA recursive_triggers = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA ignore_check_constraints = ON",
        "PRAGMA user_version = 7",
        "ATTACH ':memory:' AS elsewhere",
        "REINDEX",
        "ANALYZE",
        "CREATE TRIGGER mine AFTER INSERT ON grading_result BEGIN DELETE FROM grading_result; END",
    ),
    "sqlite",
)
statements(
    "sqlite file",
    (
        "PRAGMA journal_mode = DELETE",
        "DELETE FROM sqlite_master WHERE type = 'trigger'",
        "UPDATE sqlite_master SET sql = '' WHERE type = 'trigger'",
        "DELETE FROM sqlite_sequence",
        "VACUUM INTO '/tmp/zhibu-stolen.sqlite3'",
        "SELECT load_extension('x')",
        "DETACH main",
    ),
    "sqlite",
    control=False,
)

# --- PostgreSQL --------------------------------------------------------------------------------------------------

statements(
    "postgres",
    (
        "TRUNCATE grading_result CASCADE",
        "TRUNCATE grading_score",
        "DROP TABLE grading_result CASCADE",
        "TRUNCATE branches_auditentry CASCADE",
        "ALTER TABLE grading_result DISABLE TRIGGER ALL",
        "ALTER TABLE grading_result DISABLE TRIGGER USER",
        "DROP TRIGGER IF EXISTS zhibu_grading_result_update ON grading_result",
        "ALTER TABLE grading_result OWNER TO CURRENT_USER",
        REPLACED_FUNCTION,
        "CREATE RULE mine AS ON INSERT TO grading_result DO ALSO DELETE FROM grading_result",
        BLINDFOLD,
        "CREATE POLICY mine ON grading_result USING (true)",
        ("SET session_replication_role = replica", "UPDATE grading_result SET body = 'x'"),
        "DO $$BEGIN UPDATE grading_result SET body = 'x'; END$$",
        "MERGE INTO grading_result r USING (SELECT 1) s ON r.id = {id} WHEN MATCHED THEN UPDATE SET body = 'x'",
        "MERGE INTO grading_result r USING (SELECT 1) s ON r.id = {id} WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM grading_result WHERE id = {id} RETURNING id) SELECT * FROM gone",
        ("SET search_path = pg_temp, public", "UPDATE grading_result SET body = 'x'"),
        "LOCK TABLE grading_result IN ACCESS EXCLUSIVE MODE; ALTER TABLE grading_result DISABLE TRIGGER ALL",
        "CREATE SCHEMA mine",
    ),
    "postgresql",
)
statements(
    "postgres server",
    (
        "ALTER TABLE grading_result DISABLE TRIGGER zhibu_grading_result_update",
        "SET ROLE zhibu",
        "SET SESSION AUTHORIZATION zhibu",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "GRANT zhibu TO CURRENT_USER",
        "COPY grading_result FROM PROGRAM 'true'",
        "COPY grading_result TO '/tmp/zhibu-stolen.csv'",
        "UPDATE pg_trigger SET tgenabled = 'D'",
        "UPDATE pg_class SET relowner = 10",
        "ALTER SYSTEM SET session_replication_role = replica",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "CREATE EXTENSION pageinspect",
    ),
    "postgresql",
    control=False,
)
