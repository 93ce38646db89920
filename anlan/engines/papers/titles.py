"""Breaking an official title into centred lines where the sense allows (GB/T 9704-2012, 7.3.1)."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from math import ceil

# Words that must stay whole in a title of this trade; a segmenter would be a large dependency for one line of print.
WHOLE = (
    "关于 青岛市 青岛 山东省 应急管理局 应急管理部 应急管理厅 应急管理 应急响应 应急救援 应急预案 "
    "应急处置 应急 管理 响应 人民政府 办公室 委员会 指挥部 防汛抗旱 防汛抗台风 森林防灭火 森林防火 防汛 "
    "抗旱 台风 灭火 暴雨 洪水 内涝 海洋 地质灾害 自然灾害 灾害 地震 气象 预警 信息 信号 发布 红色 橙色 "
    "黄色 蓝色 启动 终止 调整 结束 转移 避险 避让 安置 隐患 排查 治理 整治 整改 安全生产 安全 生产 事故 "
    "调查 处理 报告 通知 通报 请示 意见 方案 总结 评估 纪要 快报 续报 工作 情况 进一步 做好 加强 开展 "
    "组织 落实 责任 责任制 监督 检查 专项 行动 重大 较大 一般 特别 水库 河道 危险 化学品 危险化学品 "
    "烟花爆竹 非煤矿山 矿山 企业 单位 重点 行业 领域 期间 汛期 汛前 主汛期 全市 全年 年度 季度 演练 物资 "
    "救灾 救助 调拨 防御 防范 应对 值班 值守 会商 研判 部署 要求 实施 印发 任务 分工 通告 决定 公告 国家 "
    "春节 国庆 元旦"
).split()
_WHOLE = sorted(WHOLE, key=len, reverse=True)
_NO_START = "的了和与及、,。;:?!)》〉】」』\u2019\u201d\uff0c\uff1b\uff1a\uff09\uff01\uff1f%.年月日号级"
_NO_END = "(《〈【「『\u2018\u201c\uff08〔第"


def width(text: str) -> float:
    """Width in full characters: half for Latin letters and digits."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.5 for c in text)


def broken(title: str, widest: int = 20) -> list[str]:
    """The title's lines, each at most *widest* full characters; a line break in the title is taken as given."""
    return [line for given in title.strip().splitlines() if given.strip() for line in _lines(given.strip(), widest)]


def _lines(title: str, widest: int) -> list[str]:
    if width(title) <= widest:
        return [title]
    rows = ceil(width(title) / widest)
    ideal = width(title) / rows
    stops = [0, *(i for i in range(1, len(title)) if _cost(title, i) is not None), len(title)]

    @cache
    def best(start: int) -> tuple[float, tuple[int, ...]]:
        if start == len(title):
            return 0.0, ()
        found: tuple[float, tuple[int, ...]] = (float("inf"), (len(title),))
        for stop in (s for s in stops if s > start):
            length = width(title[start:stop])
            if length > widest and stop != start + 1:
                break
            rest, ends = best(stop)
            price = (length - ideal) ** 2 + (_cost(title, stop) or 0.0) + 6.0 + rest
            found = min(found, (price, (stop, *ends)))
        return found

    ends = best(0)[1]
    return [title[a:b] for a, b in zip((0, *ends[:-1]), ends, strict=True)]


def _cost(title: str, at: int) -> float | None:
    """What it costs to break before title[at]; None where the sense forbids it."""
    if at in (0, len(title)):
        return 0.0
    before, after = title[at - 1], title[at]
    if after in _NO_START or before in _NO_END or (before + after).isascii() or re.match(r"\d", before):
        return None
    if _inside(title, at):
        return None
    if before in "、,\uff0c》的" or after in "《〈(\uff08\u201c" or title.startswith("关于", at):
        return 0.0
    return 4.0 if _edge(title, at) else 18.0


def _inside(title: str, at: int) -> bool:
    for word in _WHOLE:
        for start in range(max(0, at - len(word) + 1), at):
            if title.startswith(word, start):
                return True
    return False


def _edge(title: str, at: int) -> bool:
    return any(title.startswith(word, at) or title.endswith(word, 0, at) for word in _WHOLE)
