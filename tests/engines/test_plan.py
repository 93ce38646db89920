"""Plans in seven styles of numbering against lists made by hand; and texts that are none."""

import json
import random
import re
import time
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines.plan import parse

HERE = Path(__file__).parent / "plans"
NAMES = sorted(path.stem for path in HERE.glob("*.tsv"))
OFFICIAL = "plan-2023"


def source(name):
    return (HERE / f"{name}.txt").read_text(encoding="utf-8")


def parts(cell):
    return [one for one in cell.split(";") if one]


def by_hand(name):
    """The list made by hand: one dict an item, as tuples."""
    rows = []
    for line in (HERE / f"{name}.tsv").read_text(encoding="utf-8").splitlines():
        no, section, subsection, title, targets, nodes, documents, orgs = (cell.strip() for cell in (line.split("\t") + [""] * 8)[:8])
        rows.append({
            "place": (no, section, subsection), "title": title, "targets": parts(targets), "time_nodes": parts(nodes),
            "documents": parts(documents), "orgs": parts(orgs),
        })  # fmt: skip
    return rows


def plain(value):
    return f"{value:g}" if value < 10**6 else str(int(value))


def read(name):
    """The same from the engine."""
    rows = []
    for item in parse(source(name)).items:
        value = [plain(t["value"]) + (f"-{plain(t['value_max'])}" if t["value_max"] is not None else "") for t in item.targets]
        rows.append({
            "place": (item.no, item.section, item.subsection), "title": item.title,
            "targets": [f"{v} {t['unit']} {t['comparator']}" for v, t in zip(value, item.targets, strict=True)],
            "time_nodes": [f"{n['raw']} {n['kind']} {n['norm']}".strip() for n in item.time_nodes],
            "documents": item.documents, "orgs": [f"{o['name']} {o['role']}" for o in item.orgs],
        })  # fmt: skip
    return rows


def measured(names, what):
    """Precision and recall over the texts, and what differs."""
    hit = told = meant = 0
    odd = []
    for name in names:
        for ours, theirs in zip(read(name), by_hand(name), strict=True):
            a, b = Counter(ours[what]), Counter(theirs[what])
            hit, told, meant = hit + (a & b).total(), told + a.total(), meant + b.total()
            odd += [(name, ours["place"][0], sorted((a - b).elements()), sorted((b - a).elements()))] if a != b else []
    return hit / (told or 1), hit / (meant or 1), odd


@pytest.mark.parametrize("name", NAMES)
def test_every_item_stands_in_its_place_with_its_title(name):
    ours, theirs = read(name), by_hand(name)
    assert [row["place"] for row in ours] == [row["place"] for row in theirs]
    titled = [(o["title"], t["title"]) for o, t in zip(ours, theirs, strict=True) if t["title"]]
    assert [o for o, _ in titled] == [t for _, t in titled]


@pytest.mark.parametrize("names", [[OFFICIAL], [n for n in NAMES if n != OFFICIAL]], ids=["official", "invented"])
@pytest.mark.parametrize("what, least", [("targets", 0.95), ("time_nodes", 0.9), ("documents", 0.95), ("orgs", 0.95)])
def test_what_is_found_is_what_was_listed_by_hand(names, what, least):
    precision, recall, odd = measured(names, what)
    if what != "orgs" or names != [OFFICIAL]:  # the official plan names no units
        assert min(precision, recall) >= least, odd


def folded(said):
    """Words as they compare: without white space, full-width signs or a scanner's letters for digits."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", said)).replace("O", "0").replace("—", "-")


def test_another_hand_s_lists_agree():
    hits = {what: [0, 0, 0] for what in ("place", "title", "targets", "time_nodes", "documents", "orgs")}
    for path in sorted(HERE.glob("*.json")):
        theirs, ours = json.loads(path.read_text(encoding="utf-8")), parse(source(path.stem)).items
        assert len(ours) == len(theirs), path.stem
        for one, item in zip(theirs, ours, strict=True):
            figures = [[(t["value"], t["value_max"], t["unit"], t["comparator"]) for t in of] for of in (item.targets, one["targets"])]
            times = [[(folded(n["raw"]), n["kind"], n["norm"]) for n in of] for of in (item.time_nodes, one["time_nodes"])]
            units = [[(folded(o["name"]), o["role"]) for o in of] for of in (item.orgs, one["orgs"])]
            pairs = {
                "place": [[(r["no"], folded(r["section"]), folded(r["subsection"]))] for r in (vars(item), one)],
                "title": [[folded(t)] if one["title"] else [] for t in (item.title, one["title"])],
                "targets": figures, "time_nodes": times, "documents": [[folded(d) for d in of] for of in (item.documents, one["documents"])],
                "orgs": units,
            }  # fmt: skip
            for what, (a, b) in pairs.items():
                counted = [(Counter(a) & Counter(b)).total(), len(a), len(b)]
                hits[what] = [x + y for x, y in zip(hits[what], counted, strict=True)]
    shares = {what: (hit / told, hit / meant) for what, (hit, told, meant) in hits.items()}
    assert shares["place"] == (1, 1) and shares["documents"] == (1, 1), shares
    assert min(shares["title"]) > 0.98 and min(shares["orgs"]) > 0.95 and min(shares["targets"]) > 0.95, shares
    assert shares["time_nodes"][0] > 0.88 and shares["time_nodes"][1] > 0.95, shares  # feast days and campaign months count with us


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_leads_to_its_words(name):
    text = source(name)
    for item in parse(text).items:
        for one in (*item.targets, *item.time_nodes):
            start, end = one["span"]
            assert 0 <= start < end <= len(text) and end - start < 60, one
        for title, (start, end) in zip(item.documents, item.document_spans, strict=True):
            assert text[start] == "《" and text[end - 1] == "》" and title[0] == text[start + 1]


TRAPS = """落实“十五条硬措施”和“八抓20条”。 实施“133”工程。 完善“1+4+N”机制。 建设370M窄带无线网。 开展5·12防灾减灾日活动。 举办第二届知识竞答。
打造“15分钟应急救援圈”。 按照单位自查、行业检查、综合检查三个层次排查。 编制《震后12小时行动清单》。 依据条例第六十五条处理。
落实24小时值班制度。 编制“十四五”规划中期评估。 坚持两个至上。 推进“双随机、一公开”联合检查。 实现“七有”“六有”目标。
2023年2月22日印发。 按5G网络标准建设一张网。 严格执行“三项岗位人员”培训制度。 建立健全一体化机制,形成一盘棋。 公布举报电话12350。""".split()


@pytest.mark.parametrize("text", TRAPS)
def test_a_number_that_only_names_is_no_target(text):
    (item,) = parse(f"1.做好工作。{text}").items
    assert item.targets == []


def test_a_hundred_items_take_less_than_a_second():
    text = "\n".join(source(OFFICIAL) for _ in range(3))
    began = time.perf_counter()
    assert len(parse(text).items) == 135
    assert time.perf_counter() - began < 1


def test_the_doubts_name_the_line_of_a_jump_a_repeat_and_two_on_a_line():
    doubts = parse(source("jumps")).doubts
    lines = source("jumps").splitlines()
    told = {(d.why, lines[d.line - 1][:2]) for d in doubts}
    assert any("跳到5" in why and line == "5." for why, line in told)
    assert any("编号9重复" in why for why, _ in told)
    assert sum("同一行" in why for why, _ in told) == 2
    assert any("被拆开" in d.why for d in parse(source("table")).doubts)


@pytest.mark.parametrize("text", ["", "\n\n", "没有编号的一段话。", "\x00\x01", "一、\n二、\n", "序号\t任务\n", "牵头单位:某局"])
def test_a_text_that_is_no_plan_gives_no_item_and_says_so(text):
    found = parse(text)
    assert found.items == [] and found.doubts


@pytest.mark.parametrize("sign", ["1", "一", "1家", "每月", " ", "1 ", "《", "“", "O", "12次,"])
def test_a_long_run_of_one_sign_holds_nothing_up(sign):
    began = time.perf_counter()
    parse("1.做事" + sign * (60_000 // len(sign)))
    assert time.perf_counter() - began < 5


@given(st.text("第十1O条章一、(二)。;《》“”%‰百分之至2·5-~\t 家月日底前序号任务单位:每各内以上万点\n①", max_size=60))
@settings(max_examples=600, deadline=None)
def test_no_text_breaks_it(text):
    parse(text, 2024)


def test_a_megabyte_of_noise_is_read_to_its_end():
    rng = random.Random(7)
    signs = "一二三123.、。;()《》“”\t 百分之%家个次每季度至少年月日第条章序号任务责任单位:\n①O l"
    noise = "".join(rng.choice(signs) for _ in range(350_000))
    began = time.perf_counter()
    parse(noise + "\n" + source(OFFICIAL))
    assert time.perf_counter() - began < 30
