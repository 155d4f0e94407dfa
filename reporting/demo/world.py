"""The invented university as plain data: who is where. Pure; the same scale always gives the same world."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

SCHOOL = "清源师范学院"
SEED = 2012

SURNAMES = "陈林黄张吴李王郑蔡刘杨许谢庄郭苏洪曾叶颜赖柯施何周邱傅江潘卢"
GIVEN = (
    "志强", "丽华", "文彬", "宏珊", "景宁", "晓燕", "建国", "雅婷", "伟", "静", "敏", "勇",
    "军", "芳", "磊", "洋", "艳", "杰", "娜", "涛", "明", "超", "秀英", "桂兰",
    "国栋", "海燕", "思远", "雨欣", "子轩", "梓涵", "志明", "淑贞", "永福", "金水", "天佑", "月娥",
    "建平", "婉清", "书豪", "镕", "喆", "堃", "犇", "育民", "铭泽", "佳怡", "德胜", "春梅",
    "俊杰", "惠玲",
)  # fmt: skip

COLLEGES = (
    "文学与传播", "政治与社会发展", "外国语", "数学与计算机科学", "物理与信息工程", "化学与生命科学", "资源与环境科学",
    "体育",
    "音乐与舞蹈", "美术与设计", "教育科学", "工商信息", "航海", "软件", "应用科技", "继续教育",
)  # fmt: skip
STAFF_ROOMS = ("基础教研室", "专业教研室", "实验中心", "学院行政", "公共课教研室", "研究所")
STUDENT_GROUPS = ("2008级", "2009级", "2010级", "2011级", "研究生", "专科")
OFFICES = (
    "教务处",
    "人事处",
    "学生处",
    "财务处",
    "科研处",
    "资产处",
    "保卫处",
    "宣传部",
    "组织部",
    "团委",
    "工会",
    "国际交流处",
)


@dataclass(frozen=True, slots=True)
class Human:
    """A person of the demo."""

    name: str
    gender: str
    birth: str
    education: str
    title: str
    phone: str
    student: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A 党支部 with its secretary and counts."""

    code: str
    name: str
    short_name: str
    category: str
    founded: str
    appointed: str
    secretary: Human
    full: int
    probationary: int
    mobile: int


@dataclass(frozen=True, slots=True)
class Department:
    """A 党总支 with its branches; `direct` holds 直属党支部 and has no officer."""

    code: str
    name: str
    officer: Human
    organiser: Human
    units: tuple[Unit, ...]
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """How many 党总支 and 党支部 a demo has."""

    departments: int
    branches: int


SCALES = {"small": Scale(12, 90), "school": Scale(20, 168), "province": Scale(60, 5000)}


class People:
    """Draws people; phone numbers all begin with 1700000, which nobody has."""

    def __init__(self, rng: random.Random) -> None:
        """Draw from `rng`."""
        self.rng = rng
        self.count = 0

    def draw(self, *, student: bool = False) -> Human:
        """Return another person."""
        self.count += 1
        rng = self.rng
        year = rng.randint(1988, 1991) if student else rng.randint(1955, 1982)
        education = rng.choice(("本科", "研究生")) if student else rng.choice(("本科", "研究生", "博士研究生"))
        title = "学生" if student else rng.choice(("讲师", "副教授", "教授", "辅导员/讲师", "科长", "主任/副教授"))
        return Human(
            name=rng.choice(SURNAMES) + rng.choice(GIVEN),
            gender=rng.choice(("male", "female")),
            birth=f"{year}-{rng.randint(1, 12):02d}",
            education=education,
            title=title,
            phone=f"1700000{self.count:04d}",
            student=student,
        )


def _department_names(count: int) -> Iterator[tuple[str, str]]:
    """Yield (name, kind) of 党总支: colleges first, then 机关, 后勤, 图书馆, 离退休, then numbered campuses."""
    special = [
        ("机关党总支", "office"),
        ("离退休党总支", "retired"),
        ("图书馆党总支", "staff"),
        ("后勤服务集团党总支", "office"),
    ]
    colleges = [(f"{name}学院党总支", "college") for name in COLLEGES]
    take = max(count - len(special), 1)
    base = colleges[:take] + special[: max(count - take, 0)]
    yield from base[:count]
    for number in range(len(base), count):
        campus = number // len(COLLEGES) + 1
        yield f"第{campus}校区{COLLEGES[number % len(COLLEGES)]}学院党总支", "college"


def _unit_names(department: str, kind: str, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield (full name, short name, category) of the branches of one 党总支."""
    stem = department.removesuffix("党总支")
    for index in range(count):
        if kind == "office":
            room = OFFICES[index % len(OFFICES)] + (f"第{index // len(OFFICES) + 1}" if index >= len(OFFICES) else "")
            yield f"{room}党支部" if stem == "机关" else f"{stem}{room}党支部", f"{room}党支部", "administration"
        elif kind == "retired":
            yield f"离退休第{index + 1}党支部", f"第{index + 1}党支部", "retired"
        elif kind == "college" and index % 2:
            group = STUDENT_GROUPS[(index // 2) % len(STUDENT_GROUPS)]
            lap = index // 2 // len(STUDENT_GROUPS)
            name = f"{group}{f'第{lap + 1}' if lap else ''}学生党支部"
            yield f"{stem}{name}", name, "student"
        else:
            turn = index // 2 if kind == "college" else index
            room, lap = STAFF_ROOMS[turn % len(STAFF_ROOMS)], turn // len(STAFF_ROOMS)
            name = f"{room}{f'第{lap + 1}' if lap else ''}教工党支部"
            yield f"{stem}{name}", name, "teacher"


def _unit(rng: random.Random, people: People, number: int, names: tuple[str, str, str]) -> Unit:
    name, short_name, category = names
    full = rng.randint(5, 40)
    probationary = rng.randint(2, 20) if category == "student" else rng.randint(0, 2)
    return Unit(
        code=f"QY{number:03d}",
        name=name,
        short_name=short_name,
        category=category,
        founded=f"{rng.randint(1998, 2009)}-{rng.randint(1, 12):02d}",
        appointed=f"{rng.randint(2009, 2011)}-{rng.randint(1, 12):02d}",
        secretary=people.draw(student=category == "student" and rng.random() < 0.5),
        full=full,
        probationary=probationary,
        mobile=rng.randint(0, 2),
    )


def make(scale: str) -> list[Department]:
    """Return the departments of a scale (small, school, province); two of the branches hang directly under the 党委."""
    size = SCALES[scale]
    rng = random.Random(SEED)  # noqa: S311  a made-up world, not a secret
    people = People(rng)
    graded = size.branches - 2
    shares = [graded // size.departments + (i < graded % size.departments) for i in range(size.departments)]
    made, number = [], 0
    for index, (name, kind) in enumerate(_department_names(size.departments)):
        units = []
        for names in _unit_names(name, kind, shares[index]):
            number += 1
            units.append(_unit(rng, people, number, names))
        made.append(Department(f"ZZ{index + 1:03d}", name, people.draw(), people.draw(), tuple(units)))
    direct = []
    for names in (("附属中学党支部", "附属中学党支部", "teacher"), ("校医院党支部", "校医院党支部", "administration")):
        number += 1
        direct.append(_unit(rng, people, number, names))
    made.append(Department("", "", people.draw(), people.draw(), tuple(direct), direct=True))
    return made
