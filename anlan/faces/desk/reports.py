"""总结评估报告 and 大事记. Every figure comes from ``account``; nothing is typed, and what is unknown stays —."""

from __future__ import annotations

import io
from typing import Any

from anlan.engines.papers import words
from anlan.engines.papers.official import Column, Paper
from anlan.engines.sheets import workbooks
from anlan.engines.sheets.cells import Column as Cell
from anlan.kernel.clock import now
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import scope
from anlan.response.command.models import Event

from . import account
from .bulletin import OFFICE, casualties
from .templatetags.desk import path
from .timeline import Story, mark

MOST_ROWS = 200
SAID = {
    "replay": "本报告由历史回放生成:预警信号和响应时间为公布事实或注明的重建,逐时雨情风情按公布总量重建,人员、单位、应答和办理情况均为模拟。",
    "exercise": "本报告由演练生成:所列情况均为演练记录,不代表真实事件。",
}


def report(event: Event) -> Paper:
    """The after-action report of an event."""
    story = Story(event)
    paper = Paper(
        "report", f"{event.title}\n应对工作总结评估报告", OFFICE, now(), mark=mark(), facts=cover(story), filler=scope.current().name,
        checker="待审核",
    )  # fmt: skip
    if note := SAID.get(scope.current().world.kind):
        paper.note(f"说明:{note}")
    for chapter in (course, levels, called, ordered, people, misses, definitions):
        chapter(paper, story)
    return paper


def cover(story: Story) -> list[tuple[str, object]]:
    event, highest = story.event, highest_level(story)
    return [
        ("事件编号", event.number or "未编号"), ("事件类别", event.get_kind_display()),
        ("处置时间", f"{words.moment(event.opened_at)}至{words.moment(story.closed_at) if story.closed_at else '今(未终止)'}"),
        ("历时", words.span(story.until - event.opened_at)), ("最高级别", words.grade(highest)),
        ("伤亡", casualties(event)), ("数据截至", words.as_of(now())),
    ]  # fmt: skip


def highest_level(story: Story) -> int | None:
    """The most severe level that was confirmed, or the event's own."""
    known = [p.level for p in story.proposals.filter(state="confirmed") if p.level] + [lv for lv in (story.event.level,) if lv]
    return min(known, default=None)


def course(paper: Paper, story: Story) -> None:
    """What happened: signals, alarms, rain and wind."""
    event = story.event
    paper.head("事件经过")
    paper.text(
        f"{words.moment(event.occurred_at)},{event.place or event.area}{event.get_kind_display()}。{event.summary.rstrip('。')}。",
        source=f"事件记录{event.number}",
    )
    if not story.weather:
        return
    signals, alarms = list(account.signals(story)), account.alarms(story)
    span = f"{words.moment(story.since)}至{words.moment(story.until)}"
    paper.text(
        f"{span},期间生效的预警信号共{len(signals)}条(次),监测告警{alarms.count()}条,涉及测点{alarms.values('sensor').distinct().count()}个。",
        source="预警信号、监测告警记录",
    )
    if signals:
        rows = [[str(w), w.issuer, w.issued_at, w.ended_at, w.get_state_display(), "重建" if w.reconstructed else "公布"] for w in signals]
        paper.table(["信号", "发布单位", "发布时间", "结束时间", "状态", "时间依据"], rows, title="预警信号")
    _rain(paper, story)


def _rain(paper: Paper, story: Story) -> None:
    rain, gust = account.rain(story), account.gust(story)
    if rain:
        most = max(rain, key=lambda r: r.most)
        wettest = max(rain, key=lambda r: r.mean)
        paper.text(
            f"各区(市)平均降水量以{wettest.area}{words.number(wettest.mean, 1)}毫米为最大,单站最大为{most.area}{most.where}"
            f"{words.number(most.most, 1)}毫米。",
            source="雨量站读数;区(市)平均为本区(市)雨量站累计量的算术平均",
        )
        rows = [[r.area, r.gauges, r.mean, r.most, r.where] for r in rain]
        paper.table(["区(市)", "雨量站(站)", "平均(毫米)", "单站最大(毫米)", "最大站"], rows, title="各区(市)降水量", note=_rebuilt())
    if gust:
        speed, where, at = gust
        paper.text(f"最大阵风出现在{where},{words.moment(at)},风速{words.number(speed, 1)}米/秒。", source="风力站读数")


def _rebuilt() -> str:
    return "口径:逐时序列按公布总量重建,站点数值仅用于回放。" if scope.current().world.kind == "replay" else "口径:监测站读数累计。"


def levels(paper: Paper, story: Story) -> None:
    """Each change of level: when proposed, when confirmed, who signed, on which rule."""
    paper.head("响应启动与调整")
    rows = list(story.proposals.exclude(state="proposed"))
    done = [p for p in rows if p.state == "confirmed"]
    if not rows:
        paper.text("本事件没有响应级别建议。")
        return
    waits = [(p.closed_at - p.opened_at).total_seconds() for p in done]
    longest = words.span(max(waits)) if waits else words.UNKNOWN
    paper.text(f"系统提出响应级别建议{len(rows)}条,确认{len(done)}条;从提出到确认最长{longest}。", source="响应级别建议记录")
    table = [
        [str(p), p.opened_at, p.closed_at, p.state_label, p.signer or words.NONE, p.fired.get("rule", words.UNKNOWN), p.refusal or p.consult or words.NONE]
        for p in rows
    ]  # fmt: skip
    paper.table(wide("建议 3|提出 2|办结 2|结果 1.4|签发人 1.6|触发规则 2.6|会商意见或理由 2.6"), table, title="响应级别调整")


def called(paper: Paper, story: Story) -> None:
    """The call and answer by tier; the silent by name and post."""
    paper.head("叫应情况")
    whole = account.answers(story)
    if not whole.called:
        paper.text("本事件没有发起叫应。")
        return
    waited = words.span(whole.median_s) if whole.median_s is not None else words.UNKNOWN
    paper.text(
        f"发起叫应{story.notices.count()}次,涉及责任岗位{whole.called}个(次)。应答{whole.answered}个,应答率{words.percent(whole.answered, whole.called)};"
        f"其中5分钟内应答{whole.in_5}个,10分钟内应答{whole.in_10}个,应答用时中位数{waited};代答{whole.on_behalf}个;"
        f"阶梯走完仍未应答{whole.silent}个。",
        source="叫应记录;用时自首次呼叫起算",
    )
    rows = []
    for tier in account.TIERS:
        a = account.answers(story, tier.value)
        if a.called:
            wait = words.span(a.median_s) if a.median_s is not None else words.UNKNOWN
            rows.append([tier.label, a.called, a.answered, words.percent(a.answered, a.called), a.in_5, a.in_10, wait, a.silent])
    totals = {"叫应": whole.called, "应答": whole.answered, "应答率": words.percent(whole.answered, whole.called), "5分钟内": whole.in_5,
              "10分钟内": whole.in_10, "中位用时": waited, "未应答": whole.silent}  # fmt: skip
    paper.table(["层级", "叫应", "应答", "应答率", "5分钟内", "10分钟内", "中位用时", "未应答"], rows, totals, title="分层级叫应统计", unit="岗(次)")
    _silent(paper, story)


def wide(said: str) -> list[Column]:
    """Columns by title and share of the width: ``序号 0.8|指令 5``."""
    return [Column(title, float(share)) for title, share in (one.split() for one in said.split("|"))]


def _silent(paper: Paper, story: Story) -> None:
    rows = list(account.silent(story)[: MOST_ROWS + 1])
    if not rows:
        return
    listed = [[n, path(a.area), a.title, a.name or "空岗", str(a.notice), _tried(a)] for n, a in enumerate(rows[:MOST_ROWS], 1)]
    more = account.silent(story).count() - len(listed)
    note = f"另有{more}个岗位未列出,见叫应台账。" if more else ""
    paper.table(wide("序号 0.8|区域 3|岗位 1.8|姓名 1.2|叫应 2.4|升级经过 4"), listed, title="未应答岗位名单", note=note)


def _tried(addressee: Addressee) -> str:
    return ";".join(addressee.escalated) or words.NONE


def ordered(paper: Paper, story: Story) -> None:
    """Orders given, done, late, not done; each late one with its unit."""
    paper.head("指令办理情况")
    tally = account.orders(story)
    if not tally.given:
        paper.text("本事件没有下达调度指令。")
        return
    paper.text(
        f"共下达调度指令{tally.given}条,完成{tally.done}条(按时{tally.in_time}条、逾期{tally.late_done}条),完成率{words.percent(tally.done, tally.given)};"
        f"超过时限未完成{tally.late_open}条,无法执行{tally.refused}条,事件终止撤回{tally.withdrawn}条,在办{tally.open}条。",
        source="调度指令记录;时限为预案任务卡或人工下达时规定的完成时限",
    )
    rows = []
    for tier in account.TIERS:
        t = account.orders(story, area__level=tier.value)
        if t.given:
            rows.append([tier.label, t.given, t.done, t.late_done, t.late_open, t.withdrawn, t.open])
    paper.table(["执行层级", "下达", "完成", "逾期完成", "超时未完成", "撤回", "在办"], rows, ["下达", "完成", "逾期完成", "超时未完成", "撤回", "在办"],
                title="调度指令统计", unit="条")  # fmt: skip
    late = list(account.late_orders(story)[: MOST_ROWS + 1])
    if late:
        listed = [[n, str(o.unit), o.text, o.finish_by, o.done_at, _how_late(o)] for n, o in enumerate(late[:MOST_ROWS], 1)]
        more = account.late_orders(story).count() - len(listed)
        note = f"另有{more}条未列出,见指令台账。" if more else ""
        paper.table(wide("序号 0.8|单位 2|指令 5|时限 1.8|完成时间 1.8|逾期 2"), listed, title="逾期指令清单", note=note)


def _how_late(order: Any) -> str:
    return words.span(order.done_at - order.finish_by) if order.done_at else f"未完成({order.state_label})"


def people(paper: Paper, story: Story) -> None:
    paper.head("人员转移")
    moved = account.moved(story)
    if not moved["villages"]:
        paper.text("没有收到人员转移回执。")
        return
    paper.text(
        f"{moved['villages']}个村(社区)等报告转移{moved['households']}户{moved['people']}人。",
        source="转移回执;同一岗位多次报告以最后一次为准",
    )
    columns = ["区(市)", "报告点(个)", "转移户数(户)", "转移人数(人)"]
    paper.table(columns, moved["rows"], columns[1:], title="各区(市)人员转移")


def misses(paper: Paper, story: Story) -> None:
    """What was late, under which article."""
    paper.head("超时事项")
    rows = account.misses(story)
    if not rows.exists():
        paper.text("没有超过规定时限的事项。")
        return
    paper.text(f"超过规定时限的事项共{rows.count()}项次,按类别和依据列下表。", source="超时记录(由时钟在时限届满时自动写入)")
    kinds: dict[tuple[str, str, str], int] = {}
    for row in rows:
        kind = (*account.state_label(row), row.basis)
        kinds[kind] = kinds.get(kind, 0) + 1
    table = [[title, state, n, basis] for (title, state, basis), n in sorted(kinds.items(), key=lambda k: -k[1])]
    paper.table(wide("事项 1.6|所处环节 1.2|超时(项次) 1.2|依据 5"), table, ["超时(项次)"], title="超时事项")


def definitions(paper: Paper, story: Story) -> None:
    paper.head("数据来源与口径说明")
    paper.text("本报告全部数字均于生成时由系统日志、台账和监测记录查询得出,未经人工填写;空值以“—”表示。")
    paper.text(
        "应答:责任人本人、B角应答,或上级、相邻责任人到位确认的代答;未应答:呼叫阶梯走完仍无人应答。"
        "完成:执行单位报告完成;逾期:报告完成的时间晚于时限;超时未完成:时限届满时未完成且其后未报告完成。"
    )


def chronicle(event: Event) -> Paper:
    """大事记, generated from the journal."""
    story = Story(event)
    paper = Paper("report", f"{event.title}\n大事记", OFFICE, now(), mark=mark(), facts=cover(story), filler=scope.current().name, checker="待审核")
    if note := SAID.get(scope.current().world.kind):
        paper.note(f"说明:{note}")
    day = ""
    for line in story.lines():
        if words.day(line.at) != day:
            day = words.day(line.at)
            paper.head(day)
        said = (line.text or line.verb).rstrip("。")
        paper.text(f"{words.clock(line.at)} {said}。")
    return paper


def lines(event: Event) -> bytes:
    """Every line about the event as a workbook: single orders and answers included."""
    columns = [
        Cell("时间", "at", "datetime"), Cell("记录时间", "recorded_at", "datetime"), Cell("经办", "who"), Cell("动作", "verb"),
        Cell("内容", "text", width=60), Cell("级别", "level"), Cell("依据", "basis", width=30),
    ]  # fmt: skip
    rows = (
        (x.at, x.recorded_at, x.who, x.verb, x.text, words.grade(x.level) if x.level else "", x.basis)
        for x in Story(event).lines(full=True).iterator(2000)
    )  # fmt: skip
    out = io.BytesIO()
    workbooks.write(out, "大事记", columns, rows, at=now(), mark=mark())
    return out.getvalue()
