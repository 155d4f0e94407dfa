"""What each role may do and may not, in plain words, for the role page, the help page and the demo sign-in page."""

from dataclasses import dataclass

from branches.models import Branch, Role

Level = Branch.Level
SEPARATION = (
    "系统管理员管账号和设置，审计员查操作记录，活动办公室办业务：审计员不能兼任系统管理员或活动办公室，"
    "任何人都不能变更自己账号的角色。"
)
RECUSAL = "本人任书记或支委的党支部，评议箱、评分、抽查、拟定和审定等级、销号、答复异议都由其他负责人或上级办理。"


@dataclass(frozen=True, slots=True)
class RoleText:
    """One role: a line for lists, what it may and may not, whom to ask, what to do first, and where it can be held."""

    line: str
    may: tuple[str, ...]
    may_not: tuple[str, ...]
    ask: str
    first: tuple[str, ...]
    levels: frozenset[Branch.Level]


_TOP = frozenset({Level.COMMITTEE})
_UNIT = frozenset({Level.COMMITTEE, Level.GENERAL_BRANCH})
_LEAF = frozenset({Level.BRANCH})
_ANY = frozenset(Level)

TEXTS: dict[Role, RoleText] = {
    Role.OFFICE: RoleText(
        line="看报送进度、审定等级、出表",
        may=(
            "维护党组织、类别和支部基本情况，导入名册",
            "从预设、已有轮次或空白开活动和轮次，照通知填写等级、来源、分数线、门槛、否决和名额，调整日期",
            "查看全部支部的自评、评分、等级和推算过程，导出附件",
            "在“评分标准”里核对草稿、下载 Excel，给直属党支部写细则；发布由标准管理员办理",
            "对照上轮审核等级，按党总支整体审定或确认，开始公示，登记和答复异议",
            "抽取和指派抽查，核对差异理由，试算权重、分数线和名额，写明理由后采用",
            "替支部或党总支代录材料，代录会写明",
            "审批直属党支部和党总支的整改提高方案，核实销号，安排回弹复查；支部没有条件的可以代录",
            "看全校整改进度，每个数字都能点开清单；导出附件6，导入支部交回的附件6，年底收尾",
            "建评议箱、印评议码、开箱统计；服务器密钥丢失时用保管件恢复",
            "给党总支书记、组织员、书记、填报员、校领导、抽查组、访谈人开账号和发激活码",
            "看访谈覆盖和实际问题的数字，登记紧急联系人，接报紧急上报",
        ),
        may_not=(
            "看访谈记录的正文，看谁投了什么票",
            "给自己或别人授予活动办公室、标准管理员、审计员、系统管理员",
            "改已经发布的评分标准和已经开始的轮次",
            "看和答复自己任书记或支委的支部的异议",
        ),
        ask="账号和系统设置的问题找系统管理员。",
        first=(
            "导入名册，核对预览里的每一条问题",
            "从预设开活动，再开一个轮次",
            "按党总支打印激活码，发给各支部书记",
        ),
        levels=_TOP,
    ),
    Role.GENERAL_BRANCH_OFFICER: RoleText(
        line="本党总支各支部：评分、定级、督办",
        may=(
            "查看本党总支各支部的材料，退回并写明原因",
            "自评开始前给评分标准写细则（说明、分档、扣分），不改变分值，发布后支部在自评表里看到",
            "按评分标准给各支部评分，拟定等级，按方案权限审定等级",
            "给支部建评议箱、印评议码，换发由两人办理，结束评议后由系统开箱统计",
            "给本党总支的组织员、支部书记、填报员开账号和发激活码",
            "逐项审批各支部的整改提高方案，审批时限和目标的变更，核实销号（本人负责或申请的由别人核实），安排回弹复查",
            "看本党总支整改进度，导入支部交回的附件6，把做不了的项目转出或终止并写明理由",
            "导出本党总支的附件和名单，交回签字盖章的扫描件",
        ),
        may_not=("看其他党总支的材料", "评自己任书记或支委的支部", "替群众评议填票，看访谈记录的正文"),
        ask="活动安排和评分口径问活动办公室。",
        first=("确认各支部书记都已激活账号", "到“等我办理”看各支部报来的自评", "在评分表里逐项评分，再拟定等级"),
        levels=_UNIT,
    ),
    Role.ORGANISER: RoleText(
        line="本党总支各支部：准备评分和名单",
        may=(
            "准备评分、走访情况和名单，供党总支书记决定",
            "起草评分标准的细则，由党总支书记发布",
            "给支部建评议箱、印评议码，会上发码收码",
            "替支部代录材料、整改方案和进展，代录会写明",
            "导出本党总支的附件和名单",
        ),
        may_not=("审定等级，退回支部的材料，审批整改方案和核实销号", "看其他党总支的材料"),
        ask="要定的事请示党总支书记，口径问活动办公室。",
        first=("到“等我办理”看各支部报来的材料", "在评分表里准备评分"),
        levels=_UNIT,
    ),
    Role.SECRETARY: RoleText(
        line="本支部：报自评、报整改",
        may=(
            "填写并提交本支部的调查摸底、自评和材料",
            "核对并确认支部基本情况",
            "登记学习培训的应到和实到，培训率由系统计算",
            "查看本支部的得分、等级和推算过程，公示期间实名提出异议",
            "导出本支部的附件4、附件6，按要求交回签字盖章的扫描件",
        ),
        may_not=("看其他支部的材料", "给本支部评党总支分、定等级"),
        ask="填写口径问本党总支，账号问题找发给您激活码的人。",
        first=("核对支部基本情况，补上空着的项", "填写自评，随时自动保存", "检查无误后提交，党总支退回前不能再改"),
        levels=_LEAF,
    ),
    Role.CLERK: RoleText(
        line="本支部：准备材料，由书记提交",
        may=(
            "填写本支部的调查摸底、自评和基本情况，存为草稿",
            "上传佐证材料",
            "起草整改提高方案，登记党员大会和整改进展",
        ),
        may_not=("提交，提交由书记办理", "看其他支部的材料"),
        ask="填写口径问本支部书记。",
        first=("核对支部基本情况", "填写自评，填好后请书记提交"),
        levels=_LEAF,
    ),
    Role.SCHOOL_LEADER: RoleText(
        line="只读，看进度和结果",
        may=("查看全校的进度、等级和推算过程", "导出附件和名单"),
        may_not=("改动任何内容", "看访谈记录的正文"),
        ask="数据有疑问找活动办公室。",
        first=("从工作台看各党总支的进度和等级分布",),
        levels=_TOP,
    ),
    Role.INSPECTOR: RoleText(
        line="指派的党支部：抽查评分",
        may=("查看被抽查党支部的材料，对照自评和总支评分", "逐条填写抽查评分和看到的情况，提交后由办公室审阅"),
        may_not=("看没有指派给自己的支部", "抽查自己任书记或支委的支部"),
        ask="抽查安排问活动办公室。",
        first=("打开“我的抽查”，看指派给您的支部", "打分时随时保存，全部打完再提交"),
        levels=_ANY,
    ),
    Role.INTERVIEWER: RoleText(
        line="两访两创：访谈师生",
        may=(
            "在手机上从“我的名单”选人记录访谈，座谈选多人只记一次，不算一对一",
            "补充自己的访谈，原来的版本保留；写明理由和期限指定别人看，谁看过都看得到",
            "把实际问题另写一段交给承办人，办复以后告诉本人；安排回访，到期提醒",
            "紧急情况先打电话，再书面上报给值班人",
        ),
        may_not=("看别人的访谈，除非本人写明理由指定", "按内容搜索访谈，正文加密存放", "看评分和等级"),
        ask="访谈安排问活动办公室。",
        first=(
            "打开“两访两创”的“我的名单”，看谁还没谈",
            "谈完就记：选人，点方式和话题，写内容，点“记下”；断网时不要关页面，联网自动送出",
        ),
        levels=_ANY,
    ),
    Role.AUDITOR: RoleText(
        line="只读，查操作记录",
        may=("查看操作记录，核对记录有没有被改动", "查看各支部的材料和等级"),
        may_not=("改动任何内容", "兼任系统管理员或活动办公室", "看访谈记录的正文"),
        ask="系统问题找系统管理员。",
        first=("打开操作记录，核对封存的链首",),
        levels=_TOP,
    ),
    Role.RUBRIC_MAINTAINER: RoleText(
        line="维护评分标准和预设",
        may=(
            "在“评分标准”里核对草稿、看印制样式、发布、复制为新版本",
            "把标准下载成 Excel，改好再导入：先看逐条的不同，确认后存为新版草稿",
            "逐条对比两个版本，在维护后台修改草稿",
        ),
        may_not=("改已经发布的标准，只能复制成新版本", "看各支部的得分和等级"),
        ask="标准怎样定问活动办公室。",
        first=("打开“评分标准”，核对各类别的评分标准都已发布", "机关、离退休的标准是草稿，看过再发布"),
        levels=_TOP,
    ),
    Role.ADMINISTRATOR: RoleText(
        line="管账号与设置，不接触等级和访谈内容",
        may=("开、停账号，授予和收回角色，发激活码", "查看系统状况，管备份和设置"),
        may_not=("看评分、等级和访谈内容", "替别人设密码，密码只由本人用激活码设", "变更自己账号的角色，兼任审计员"),
        ask="业务问题找活动办公室。",
        first=("给活动办公室的同事开账号，发激活码", "打开系统状况，看有没有红色的一行"),
        levels=_TOP,
    ),
}


def levels_of(role: Role) -> frozenset[Branch.Level]:
    """Return the levels of nodes at which a role can be held."""
    return TEXTS[role].levels


def place_words(role: Role, node: Branch, name: str) -> str:
    """Say how far a role reaches from a node: 全校, 本支部 … with the node's name."""
    if node.level == Level.BRANCH:
        return name
    return f"{name}及下属全部党组织" if role not in (Role.ADMINISTRATOR, Role.RUBRIC_MAINTAINER) else name
