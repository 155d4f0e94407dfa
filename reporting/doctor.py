"""Is this installation well? One check per thing that can fail, each with what to do when it does.

`manage.py doctor` prints the findings, the office sees them as a page. A check never raises: what goes wrong while
looking is a finding too.
"""

import datetime as dt
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu import Connection

from branches import clock, database_roles, guards
from branches.models import AuditEntry
from grading.services import ballot_keys, freezing
from interviews.services import keys as interview_keys
from interviews.services.keys import KeyHealth
from reporting import backup
from reporting.database_time import database_now
from reporting.models import Export, WorkerHeartbeat
from reporting.tables import fonts, pdf
from reporting.tables.definition import Column, Table
from reporting.tables.layout import lay_out

State = Literal["ok", "warn", "bad"]
SAMPLE = "党支部分类定级附件〇①☑—㛃镕喆堃"
MEGABYTE = 2**20
LITTLE_DISK, TIGHT_DISK = 500 * MEGABYTE, 2048 * MEGABYTE
HEARTBEAT = dt.timedelta(seconds=60)
LONG_WAIT = dt.timedelta(minutes=10)
CLOCK_DRIFT = dt.timedelta(seconds=5)
UNSEALED_AFTER = dt.timedelta(hours=1)
ROUNDS_CHECKED = 2
OLD_BACKUP = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `remedy` says what to do and is empty when all is well."""

    name: str
    state: State
    said: str
    remedy: str = ""


def ok(name: str, said: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", said)


def bad(name: str, said: str, remedy: str) -> Finding:
    """Something must be done."""
    return Finding(name, "bad", said, remedy)


def warn(name: str, said: str, remedy: str) -> Finding:
    """Works, but somebody should know."""
    return Finding(name, "warn", said, remedy)


def check_database() -> Finding:
    """The database answers; SQLite keeps its log ahead (WAL), or a busy evening locks people out."""
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SHOW server_version")
            return ok("数据库", f"PostgreSQL {cursor.fetchone()[0]}，连接正常")
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
        cursor.execute("PRAGMA quick_check(1)")
        whole = cursor.fetchone()[0]
    if whole != "ok":
        return bad("数据库", f"SQLite 文件损坏：{whole}", "停止服务，用最近一份备份执行 manage.py restore。")
    if mode != "wal":
        return bad("数据库", f"SQLite 日志模式是 {mode}", "数据目录应放在本机磁盘上（不能是网络盘），移好后重新启动。")
    return ok("数据库", "SQLite，结构完整，WAL 模式")


def check_migrations() -> Finding:
    """The tables are those of this version."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return bad("表结构", f"有 {len(waiting)} 项更新未执行", "运行 manage.py backup，再运行 manage.py migrate。")
    return ok("表结构", "与程序版本一致")


def check_guards() -> Finding:
    """The triggers that keep the audit trail and frozen grades from being changed are in place, as declared."""
    faults = guards.faults(connection)
    if faults:
        said = f"{len(faults)} 个触发器缺失、停用或被改过：{'、'.join(faults[:3])}{' 等' if len(faults) > 3 else ''}"
        return bad("防篡改", said, "运行 manage.py migrate，会自动补上；再运行 manage.py check_drift 核对定级结果。")
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers")
            if not cursor.fetchone()[0]:
                return bad("防篡改", "recursive_triggers 没有打开", "不要改动数据库连接设置，重新启动即可恢复。")
    return ok("防篡改", f"{len(guards.guards())} 张表的触发器在位")


def check_roles() -> Finding:
    """The web process may change rows and nothing else."""
    if connection.vendor == "sqlite":
        return ok("数据库权限", "网站连接不能改表结构（能直接拿到数据文件的人不受此限）")
    role = settings.DATABASE_WEB_ROLE or connection.settings_dict["USER"]
    more = database_roles.excess(connection, role)
    if more and not settings.DATABASE_WEB_ROLE:
        return warn(
            "数据库权限",
            "网站与维护共用一个数据库账号，网站也能停用防篡改触发器",
            "另设 DATABASE_OWNER_URL，再运行 manage.py database_roles（见 docs/operations.md）。",
        )
    if more:
        said = f"网站账号 {role}：{'、'.join(more)}"
        return bad("数据库权限", said, "运行 manage.py database_roles；仍有多余权限的，请数据库管理员收回。")
    return ok("数据库权限", f"网站账号 {role} 只能读写数据行")


def check_drift() -> Finding:
    """Frozen results of the newest final rounds still come out the same."""
    checked = list(freezing.drift_everywhere(limit=ROUNDS_CHECKED))
    if found := [(round_, rows) for round_, rows in checked if rows]:
        said = "；".join(f"{round_}：{len(rows)} 个支部有出入" for round_, rows in found)
        return bad("定级结果", said, "运行 manage.py check_drift 看是哪些支部；先查明原因，确有错误的走更正程序。")
    return ok("定级结果", f"最近 {len(checked)} 轮重算无出入" if checked else "还没有定级的轮次")


def check_audit() -> Finding:
    """Entries are sealed soon after they were written."""
    late = AuditEntry.objects.filter(seal__isnull=True, at__lt=clock.now() - UNSEALED_AFTER).count()
    if late:
        return warn(
            "操作记录", f"{late} 条记录超过一小时未封存", "检查后台进程是否在运行；manage.py verify_audit 可核对。"
        )
    return ok("操作记录", "封存及时")


def check_worker() -> Finding:
    """A worker shows signs of life."""
    alive = list(WorkerHeartbeat.objects.filter(seen_at__gte=database_now() - HEARTBEAT))
    if not alive:
        return bad("后台进程", "一分钟内没有心跳", "导出不会生成。运行 manage.py worker（make run 会一并启动）。")
    if broken := [worker.broker_error for worker in alive if worker.broker_error]:
        return bad("后台进程", f"收不到消息：{broken[0]}", "检查 REDIS_URL 所指的服务；未设置时检查数据目录能否写入。")
    return ok("后台进程", f"{len(alive)} 个在运行，{sum(worker.heavy for worker in alive)} 个生成进程")


def check_queue() -> Finding:
    """Nothing waits in the queue for long."""
    waiting = Export.objects.waiting()
    count = waiting.count()
    if waiting.filter(requested_at__lt=clock.now() - LONG_WAIT).exists():
        return warn("导出队列", f"{count} 份在排队，最久的超过十分钟", "可加大 HEAVY_WORKERS，或增加后台主机。")
    return ok("导出队列", f"{count} 份在排队" if count else "没有积压")


def check_broker() -> Finding:
    """The message broker takes connections."""
    if not settings.REDIS_URL:
        writable = os.access(settings.QUEUE_DIR, os.W_OK)
        return (
            ok("消息服务", "文件队列")
            if writable
            else bad("消息服务", "队列目录不能写入", f"检查 {settings.QUEUE_DIR} 的权限。")
        )
    with Connection(settings.REDIS_URL, connect_timeout=3) as wire:
        wire.ensure_connection(max_retries=1, timeout=3)
    return ok("消息服务", "Redis，连接正常")


def check_fonts() -> Finding:
    """A PDF shows Chinese: every sample character has a glyph, in the files and in what sets the type from them."""
    if missing := fonts.missing_characters(SAMPLE):
        return bad("字体", f"缺少字形：{missing}", "重新检出 static/fonts 目录，文件不全。")
    folders = settings.FONT_DIRS[:1]
    if lost := pdf.undrawable(SAMPLE, folders):
        return bad("字体", f"PDF 里显示不出“{lost}”", "运行 deploy/setup.sh 补装 fontconfig 和 Pango。")
    sheet = lay_out(
        Table(slug="doctor", title="样张", columns=(Column("text", "样张", width_mm=120),)), [{"text": SAMPLE}]
    )
    pdf.render([sheet], font_dirs=folders)
    site = [font.path.name for font in fonts.site_fonts(Path(folder) for folder in settings.FONT_DIRS[:1])]
    return ok("字体", "PDF 中文正常" + (f"，使用本校字体 {'、'.join(site)}" if site else ""))


def check_disk() -> Finding:
    """There is room for documents and backups."""
    free = shutil.disk_usage(settings.VAR_DIR).free
    said = f"剩余 {free / 2**30:.1f} GB"
    if free < LITTLE_DISK:
        return bad("磁盘", said, "马上清理磁盘：导出、上传和备份都会失败。")
    if free < TIGHT_DISK:
        return warn("磁盘", said, "请清理磁盘，或把旧备份移走。")
    return ok("磁盘", said)


def check_secrets() -> Finding:
    """The data directory and the key are readable by the product's own user only."""
    path = Path(settings.VAR_DIR) / "secret_key"
    open_to_others = [
        item.name
        for item in (Path(settings.VAR_DIR), path)
        if item.exists() and stat.S_IMODE(item.stat().st_mode) & 0o077
    ]
    if open_to_others:
        return bad("密钥", f"其他用户可以读取：{'、'.join(open_to_others)}", f"运行 chmod -R go-rwx {settings.VAR_DIR}")
    if settings.DEBUG:
        return bad("密钥", "调试模式开着，出错页会显示内部信息", "去掉环境变量 DEBUG，重新启动。")
    return ok("密钥", "只有本系统可读")


def check_ballot_keys() -> Finding:
    """Every open ballot box can be opened, no counted one can, and keys lie where only the product reads them."""
    found = ballot_keys.health(backed_up=backup.files_root())
    if found.missing:
        said = f"{len(found.missing)} 个评议箱在服务器上没有密钥：{'、'.join(found.missing[:5])}"
        return bad("评议箱密钥", said, "在评议箱页面用保管件恢复；保管件也丢失的，该箱选票无法统计，只能作废重评。")
    if found.copied or found.readable:
        said = "密钥目录在备份范围内" if found.copied else f"其他用户可以读取：{'、'.join(found.readable[:5])}"
        remedy = f"运行 chmod -R go-rwx {settings.BALLOT_KEY_DIR}；BALLOT_KEY_DIR 不要放在上传文件的目录里。"
        return bad("评议箱密钥", said, remedy)
    if found.left:
        said = f"{len(found.left)} 个评议箱已统计，密钥还没有销毁：{'、'.join(found.left[:5])}"
        return warn("评议箱密钥", said, "检查后台进程是否在运行：它会销毁密钥。")
    if found.unknown:
        remedy = f"确认没有别的数据库在用 {settings.BALLOT_KEY_DIR} 后，手工粉碎这些文件（shred -u）。"
        return warn("评议箱密钥", f"有 {found.unknown} 个评议箱的密钥，本数据库里没有这些箱", remedy)
    return ok("评议箱密钥", "未统计的都在，已统计的都已销毁")


def check_interview_keys() -> Finding:
    """Sealed talks can be opened by whoever may, erased ones by nobody, and keys lie apart from what is backed up."""
    name = "访谈密钥"
    found = interview_keys.health(backed_up=backup.files_root(), now=clock.now(), day=clock.today())
    for wrong, said, remedy in _sealed_faults(found):
        if wrong:
            return bad(name, said, remedy)
    for wrong, said, remedy in _sealed_doubts(found):
        if wrong:
            return warn(name, said, remedy)
    return ok(name, f"{found.sealed} 条密存记录，密钥齐全")


def _sealed_faults(found: KeyHealth) -> list[tuple[bool, str, str]]:
    """Return what must be put right about keys of talks: whether it is so, in words, what to do."""
    apart = "INTERVIEW_KEY_DIR、INTERVIEW_JOURNAL_DIR 放到单独的目录，不在文件目录和记录密钥目录里。"
    check = "请审计员核查是谁直接改了数据库，再运行 manage.py verify_audit。"
    replay, restore = "运行 manage.py interview_keys replay。", "用 manage.py interview_keys restore 恢复最近的备份。"
    return [
        (found.keyless > 0, f"{found.keyless} 条记录没有密钥，内容打不开", restore),
        (bool(found.broken), found.broken, f"把另存的主密钥文件放回 {settings.INTERVIEW_KEY_DIR}。"),
        (found.copied, "密钥、删除登记和备份放在了一起", apart),
        (bool(found.readable), f"其他用户可以读取：{'、'.join(found.readable[:5])}", "运行 chmod -R go-rwx 收回权限。"),
        (found.unreplayed > 0, f"{found.unreplayed} 条记录登记为已清除，数据库里还在", replay),
        (found.forged > 0, f"{found.forged} 处查看权和操作记录对不上，已经拒绝打开", check),
        (found.unjournalled > 0, f"{found.unjournalled} 条已清除的记录不在删除登记里", "恢复删除登记的另存副本。"),
    ]  # fmt: skip


def _sealed_doubts(found: KeyHealth) -> list[tuple[bool, str, str]]:
    """Return what should be looked at about keys of talks."""
    days, kept = settings.INTERVIEW_KEY_DAYS, settings.INTERVIEW_VAULT_BACKUP_DAYS
    old, copied = found.key_days or 0, found.copy_days
    due = found.sealed > 0 and not settings.DEMO and (copied is None or copied >= kept)
    rotate, retain = (
        "运行 manage.py interview_keys rotate。",
        "运行 manage.py interview_retention；可放进每日定时任务。",
    )
    return [
        (found.unfinished, "更换主密钥没有做完", rotate),
        (found.expired > 0, f"{found.expired} 条记录保存期满，还没有清除", retain),
        (found.stale > 0, f"{found.stale} 份记录密钥备份过期未销毁", "运行 manage.py interview_keys backup。"),
        (due, "近期没有备份记录密钥", "运行 manage.py backup（同时备份记录密钥）。"),
        (old > days, f"主密钥已用 {old} 天", rotate),
    ]  # fmt: skip


def check_clock() -> Finding:
    """Web host and database agree about the time; a demo's clock may have been moved."""
    real = dt.datetime.now(tz=dt.UTC)
    drift = abs(database_now() - real)
    if drift > CLOCK_DRIFT:
        seconds = int(drift.total_seconds())
        return bad("时钟", f"本机与数据库相差 {seconds} 秒", "在两台机器上启用时间同步（例如 systemd-timesyncd）。")
    moved = abs(clock.now() - real) > CLOCK_DRIFT
    said = f"{clock.now():%Y-%m-%d %H:%M}，{settings.TIME_ZONE}"
    return ok("时钟", said + ("（演示时钟已调整）" if moved else ""))


def check_mail() -> Finding:
    """Mail is off, or its server takes connections."""
    if settings.EMAIL_BACKEND.endswith(("dummy.EmailBackend", "locmem.EmailBackend", "console.EmailBackend")):
        return ok("邮件", "未启用，提醒只在系统内显示")
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return ok("邮件", "没有邮件服务器，提醒邮件写到 mail 目录；设置 EMAIL_HOST 后才真正发出")
    wire = get_connection(timeout=5)
    wire.open()
    wire.close()
    return ok("邮件", f"{settings.EMAIL_HOST}，连接正常")


def check_backup() -> Finding:
    """A real installation has a recent backup."""
    if settings.DEMO:
        return ok("备份", "演示数据，不需要备份")
    age = backup.age_of_last()
    if age is None:
        return warn("备份", "还没有备份", "运行 manage.py backup，并把文件复制到别的机器上。")
    if age > OLD_BACKUP:
        return warn("备份", f"最近一份在 {age.days} 天前", "运行 manage.py backup；可放进每日定时任务。")
    return ok("备份", f"最近一份在 {int(age.total_seconds()) // 3600} 小时前")


CHECKS: dict[str, tuple[Callable[[], Finding], str]] = {
    "数据库": (check_database, "检查 DATABASE_URL 和数据库服务是否在运行。"),
    "表结构": (check_migrations, "运行 manage.py migrate。"),
    "防篡改": (check_guards, "运行 manage.py migrate。"),
    "数据库权限": (check_roles, "检查 DATABASE_URL 和 DATABASE_OWNER_URL。"),
    "定级结果": (check_drift, "运行 manage.py check_drift。"),
    "操作记录": (check_audit, "运行 manage.py migrate。"),
    "后台进程": (check_worker, "运行 manage.py worker。"),
    "导出队列": (check_queue, "运行 manage.py migrate。"),
    "消息服务": (check_broker, "检查 REDIS_URL 所指的服务是否在运行。"),
    "字体": (check_fonts, "运行 deploy/setup.sh 补装系统软件包。"),
    "磁盘": (check_disk, "检查数据目录是否存在、能否访问。"),
    "密钥": (check_secrets, "检查数据目录的权限。"),
    "评议箱密钥": (check_ballot_keys, "检查 BALLOT_KEY_DIR 的权限。"),
    "访谈密钥": (check_interview_keys, "检查 INTERVIEW_KEY_DIR、INTERVIEW_VAULT_DIR 的权限。"),
    "时钟": (check_clock, "检查数据库服务是否在运行。"),
    "邮件": (check_mail, "检查 EMAIL_HOST 等邮件设置。"),
    "备份": (check_backup, "检查数据目录的权限。"),
}


def examine() -> list[Finding]:
    """Run every check; one that fails while looking is reported as a finding with its remedy."""
    findings = []
    for name, (check, remedy) in CHECKS.items():
        try:
            findings.append(check())
        except Exception as error:  # noqa: BLE001 - a broken check must not hide the others
            findings.append(bad(name, f"检查时出错：{type(error).__name__}: {str(error)[:200]}", remedy))
    return findings


def is_well(findings: list[Finding]) -> bool:
    """Return whether nothing is red."""
    return all(finding.state != "bad" for finding in findings)
