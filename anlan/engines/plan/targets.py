"""Numbers that must be reached, told from numbers that only name something.

A target is a number with a counting unit, a share, or full coverage. None are: what stands in 《》, numbers within quoted
names (“十五条硬措施”, “1+4+N”), ordinals, dates, frequencies of radio, hours of a day's watch, and a Chinese numeral before an
abstract noun (三个层次, 两个保障).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .numerals import HAN, number

COUNTED = """个百分点 场次 人次 家次 公里 千米 平方米 立方米 平方公里 万元 亿元 课时 学时 门次 街道 社区
家 顶 床 具 册 个 次 所 处 期 场 人 名 支 项 件 篇 份 套 台 辆 座 亩 户 艘 架 批 条 门 部 块 盏 只 根 眼 吨 元 幅 站 村 镇 例 起 宗 遍 轮
节 类 队 组 点 米 口 张""".split()
TIMED = "小时 分钟 个工作日 工作日 天 日 秒".split()
CLASSED = tuple("个 项 类 条 级 点".split())
"""Before an abstract noun these classify and do not count."""
NAMING = tuple("条 点 米 站 节".split())
"""With these a bare number mostly names (20条, 3点): only a bound or a verb of doing makes it a target."""
ONCE = tuple("次 处 场 期 所 支 座 轮 遍".split())
"""With these even 一 counts; 一个, 一批, 一套 are articles."""
LEAST = tuple("至少 不少于 不低于 不得少于 不得低于".split())
MOST = tuple("不超过 不得超过 不高于 控制在".split())
BOUNDED = (*LEAST, *MOST, *"超过 达到 力争".split())
REACHED = tuple("""修订 关闭 退出 治理
建成 新建 建设 开展 组织 完成 举办 培育 培树 培养 打造 创建 整治 检查 召开 配备 配齐 新增 建立 选树 评选 发布 演练 编制 改造
更新 储备 招募 设置 推广 消除 实施 抽查 巡查 督导 培训 制作 增设 选派 组建 验收""".split())
ABSTRACT = tuple("""层次 方面 力争 目标 格局 保障 网格 体系 机制 环节 阶段 重点 维度 转变 坚持 必须 确保 到位 关键 结合 突出 一批 网 屏 平台 统一
工程 要素 行动 原则 关口 责任 要求 硬措施 措施 办法 意识 层面 条线 轮子""".split())
DIGIT = r"\d[\dOl,]{0,14}(?:\.\d{1,6})?|[Ol]\d[\dOl]{0,14}"
NUM = rf"(?:{DIGIT})(?:[万亿](?!元))?|[{HAN}]{{1,12}}(?:[万亿](?!元))?"
NEAR = 200
"""A number is understood from so many signs before it."""
UNIT = "|".join(sorted((*COUNTED, *TIMED), key=len, reverse=True))
RANGED = re.compile(rf"(?P<low>{NUM})(?:{UNIT})?\s?(?:[-—~]{{1,2}}|至|到)\s?(?P<high>{NUM})\s?(?P<unit>{UNIT}|%)(?P<tail>以上|以内|以下)?")
SINGLE = re.compile(rf"(?P<low>{NUM})\s?[余多]?\s?(?P<unit>{UNIT})(?P<tail>\s?(?:\([^)]{{1,8}}\))?(?:以上|及以上|以内|以下|之内|内)|左右)?")
SHARE = re.compile(
    rf"(?P<low>\d[\dOl]{{0,8}}(?:\.\d{{1,4}})?)\s?(?P<unit>[%‰])(?:“?全覆盖”?)?(?P<tail>以上|以内|以下)?|百分之(?P<han>[{HAN}]{{1,6}}(?:点[{HAN}]{{1,4}})?)(?P<tail2>以上|以内|以下)?"
)
WHOLE = re.compile(r"“?全覆盖”?|全部(?=完成|整改|落实|达标|建成|纳入|到位|销号|办结|清零|消除|签订|培训|配备|安装|持证|接入|录入|设卡|降至|参保|通过)")
NAMED = re.compile(r"《[^》]{0,120}》|“[^”]{1,20}”|〈[^〉]{0,120}〉")
BEFORE_NO = re.compile(r"(?:第|[+＋·:\-]|[A-Za-z])$")
AFTER_NO = re.compile(r"(?:[+＋]|[·:]\d|[A-Za-z])")
CLAUSE = re.compile(r"[,。;:!?、\n]")
SENTENCE = re.compile(r"[,。;:!?\n]")
EACH = re.compile(r"(?:各|每个|每一|每(?!季|月|年|半|周|日|天|旬|[两三]|学))[^,。;:\d]{0,24}$")


@dataclass(frozen=True)
class Target:
    """``start`` and ``end`` are positions in the text that was read."""

    value: float
    value_max: float | None
    unit: str
    comparator: str
    raw: str
    kind: str
    scope: str
    start: int
    end: int


def find(text: str) -> list[Target]:
    """The targets of one item's text, in order, none within another."""
    taken = bytearray(len(text))
    for name in NAMED.finditer(text):
        if not WHOLE.fullmatch(name.group()):
            taken[name.start() : name.end()] = b"\1" * len(name.group())
    found: list[Target] = []
    for shape in (RANGED, SHARE, SINGLE, WHOLE):
        for m in shape.finditer(text):
            if not any(taken[m.start() : m.end()]) and (made := _made(shape, m, text)):
                taken[m.start() : m.end()] = b"\1" * len(m.group())
                found.append(made)
    return sorted(found, key=lambda t: t.start)


def _made(shape: re.Pattern[str], m: re.Match[str], text: str) -> Target | None:
    before, after = text[max(0, m.start() - NEAR) : m.start()], text[m.end() : m.end() + NEAR]
    clause, sentence = CLAUSE.split(before)[-1], SENTENCE.split(before)[-1]
    if shape is WHOLE:
        return _target(m, text, 100.0, None, "%", "all", "coverage")
    if BEFORE_NO.search(before) or (shape is not RANGED and AFTER_NO.match(text, m.end("low") if m["low"] else m.end())):
        return None
    if shape is SHARE:
        value = number(m["low"]) if m["low"] else _share(m["han"])
        tail = m["tail"] or m["tail2"] or ""
        return _target(m, text, value, None, m["unit"] or "%", "all" if value == 100 else _comparator(clause, tail), "share")
    try:
        low = number(m["low"])
        high = number(m["high"]) if shape is RANGED else None
    except ValueError:
        return None
    if high is not None:
        return _target(m, text, low, high, m["unit"], "range", _kind(m["unit"])) if high > low else None
    tail = m["tail"] or ""
    if not _meant(m["low"], m["unit"], tail, clause, sentence, after):
        return None
    comparator = "each" if EACH.search(clause) else _comparator(clause, tail)
    return _target(m, text, low, None, m["unit"], comparator, _kind(m["unit"]))


def _meant(low: str, unit: str, tail: str, clause: str, sentence: str, after: str) -> bool:
    """Is the number to be reached, or does it name, date or describe?"""
    bound = any(word in clause[-8:] for word in BOUNDED) or "以上" in tail or "以下" in tail
    if unit in TIMED:
        if re.search(r"(?:发生|发布|接报|报告|到|接)后$", clause):
            return False  # how soon after an event: that is a time node
        return bound or (tail.endswith("内") and not after.startswith(("地震", "应急")))
    if bound:
        return True
    if low[0].isdigit() or low[0] in "Ol":
        return unit not in NAMING or _reached(clause)
    if (unit in CLASSED and after.startswith((*ABSTRACT, "“"))) or (low == "一" and unit not in ONCE):
        return False
    return _reached(sentence) or _every(clause)


def _reached(clause: str) -> bool:
    return any(word in clause[-24:] for word in REACHED)


def _every(clause: str) -> bool:
    """每季度, 每月: how often, not for each of several."""
    return bool(re.search(r"每(?:季度?|月|年|半年|周|日|天|旬|两年|三年|两个月)", clause))


def _comparator(clause: str, tail: str) -> str:
    near = clause[-10:]
    if any(word in near for word in MOST) or tail.strip().endswith(("以内", "以下", "之内", "内")):
        return "le"
    return "ge" if any(word in near for word in LEAST) or "以上" in tail or near.endswith("超过") else "eq"


def _kind(unit: str) -> str:
    return "time" if unit in TIMED else "share" if unit in "%‰" else "amount" if unit in ("万元", "亿元", "元") else "count"


def _share(said: str) -> float:
    whole, _, part = said.partition("点")
    return number(whole) + (sum(number(sign) / 10 ** (n + 1) for n, sign in enumerate(part)) if part else 0)


def _target(m: re.Match[str], text: str, value: float, most: float | None, unit: str, comparator: str, kind: str) -> Target:
    before, after = text[max(0, m.start() - NEAR) : m.start()], text[m.end() : m.end() + NEAR]
    clause = CLAUSE.split(before)[-1] + m.group() + CLAUSE.split(after, maxsplit=1)[0]
    return Target(value, most, unit, comparator, m.group(), kind, clause, m.start(), m.end())
