"""What the wall shows: indicators, short lists and the event card, all queries in the asker's scope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Q
from django.utils import timezone

from anlan.disaster.flood.models import Proposal, Response
from anlan.faces import summary
from anlan.faces.desk.timeline import Story
from anlan.kernel.clock import now
from anlan.kernel.columns.filters import asked
from anlan.kernel.dispatch import sending
from anlan.kernel.indicators import indicator
from anlan.kernel.journal import read
from anlan.kernel.live import feed
from anlan.kernel.notice.models import Addressee, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.registers import ALL, find
from anlan.kernel.registers.register import address
from anlan.kernel.worlds.models import World
from anlan.response.command import acts as command
from anlan.response.command.models import Event, Order
from anlan.response.duty import acts as duty
from anlan.response.duty.models import Shift
from anlan.sensing import readings
from anlan.sensing.models import Alarm, Sensor, Warning

STRIP = ("sensing.warnings", "sensing.alarms", "flood.proposals", "desk.waiting", "desk.silent", "command.overdue")
ROWS = 6
LATE = 4
FEED = 30
HOUR_MS = 3_600_000
Fallen = tuple[str, int, int, float]
"""Area, sensor, hour (UTC, as 2022-09-15 03), mm."""


@feed.view("screen")
def state(who: scope.Scope) -> dict[str, Any]:
    """The wall as one object, all but the lines, which come one by one."""
    moment = now()
    event = Event.objects.filter(state="open").order_by("level", "-id").first()
    response = Response.objects.filter(state="active").order_by("level").first()
    shifts = duty.on_duty()
    signals = list(Warning.objects.filter(state="active").order_by("level", "-id"))
    notice = _call(response)
    names = dict(Area.objects.filter(level="district").values_list("code", "name"))
    fallen = rain(moment)
    panels = (
        _calls(notice, moment), _districts(notice, names, moment), _rain_line(fallen, names, moment) if event else _posts(shifts, moment),
        _alarms(moment), _warnings(signals, moment), _orders(event, moment) if event else _proposals(moment),
    )  # fmt: skip
    return {
        "world": world_head(who.world),
        "as_of": _iso(moment),
        "state": "event" if event else "calm",
        "state_word": f"{response.title}{response.get_level_display()}应急响应" if response else "常态",
        "level": response.level if response else None,
        "duty": [{"label": s.get_post_display(), "name": s.person.name, "phone": ""} for s in shifts],
        "signals": [_signal(w) for w in signals],
        "strip": [indicator(name).number() for name in STRIP],
        "event": card(event, shifts) if event else None,
        "panels": {made["slot"]: made for made in panels},
        "areas": areas(fallen, notice),
        "layers": layers(),
    }


def _call(response: Response | None) -> Notice | None:
    """The call that the wall follows: the response's while one is active, whatever else is called meanwhile; else the newest."""
    calls = Notice.objects.filter(kind="call").order_by("-id")
    own = calls.filter(about_type=Response._meta.label_lower, about_id=str(response.pk)).first() if response else None
    return own or calls.first()


def whole(who: scope.Scope) -> dict[str, Any]:
    """The state, a few seconds old at most, with the newest lines."""
    with scope.entered(who):
        return {**feed.recent("screen", who), "feed": [feed.item(line) for line in read.news()[:FEED]]}


def world_head(world: World) -> dict[str, Any]:
    return {
        "id": world.pk, "kind": world.kind, "title": world.title, "mark": world.mark, "now": _iso(now()),
        "speed": world.speed, "paused": world.paused or world.closed, "closed": world.closed,
    }  # fmt: skip


def _iso(at: Any) -> str | None:
    return timezone.localtime(at).isoformat() if at else None


def _short(at: Any) -> str:
    return timezone.localtime(at).strftime("%m-%d %H:%M") if at else "—"


def _signal(warning: Warning) -> dict[str, Any]:
    return {"hazard": warning.hazard, "colour": warning.colour, "text": str(warning), "href": find("warning").link(warning)}


def card(event: Event, shifts: list[Shift]) -> dict[str, Any]:
    """What, where, how bad, who commands, who is at risk, what was decided, what is late."""
    orders, where = find("order"), {"event": event.pk}
    n = command.tally(event)
    told = summary.moved(Story(event).addressees)
    lead = next((s.person.name for s in shifts), "未配置")
    decision = Proposal.objects.filter(state="confirmed").order_by("-id").first()
    late = Order.objects.filter(event=event, overdue=True).select_related("unit").order_by("finish_by")[:LATE]
    waiting = Proposal.objects.filter(state="proposed")
    moved = f"{scope.current().world.prefix}/desk/events/{event.pk}/moved/"
    rows: list[dict[str, Any]] = [
        {"label": "时间", "value": _short(event.occurred_at)},
        {"label": "地点", "value": event.place or str(event.area)},
        {"label": "指挥", "value": event.commander or lead},
        {"label": "决定", "value": f"{decision}({decision.signer})" if decision else "无", "href": find("proposal").link(decision) if decision else ""},
        {"label": "指令", "numbers": [
            _number("下达", n["given"], "条", orders.url(where), "本事件下达的调度指令数"),
            _number("完成", n["done"], "条", orders.url({**where, "state": "done"}), "执行单位已报告完成的指令数"),
            _number("在办", n["open"], "条", orders.url({**where, "state": ["given", "received"]}), "未接收和办理中的指令数"),
        ]},
        {"label": "转移", "numbers": [
            _number("", sum(a.households or 0 for a in told), "户", moved, "各岗位最近一次转移报告的户数之和"),
            _number("", sum(a.people or 0 for a in told), "人", moved, "各岗位最近一次转移报告的人数之和"),
        ]},
    ]  # fmt: skip
    return {
        "title": event.title, "level": event.level, "state": event.state_label, "href": find("event").link(event), "rows": rows,
        "late": [{"text": str(o), "href": orders.link(o), "since": _iso(o.finish_by)} for o in late],
        "overdue": _number("迟了", n["overdue"], "件", orders.url({**where, "overdue": True}), "超过时限仍未完成的指令数"),
        "clocks": [{"label": str(p), "due": _iso(p.due_at), "done": None} for p in waiting],
    }  # fmt: skip


def panel(slot: str, title: str, source: str, moment: Any, kind: str, href: str = "", **rest: Any) -> dict[str, Any]:
    return {
        "slot": slot, "title": title, "source": source, "as_of": _iso(moment), "href": href, "kind": kind, "empty": "无", **rest
    }  # fmt: skip


def _number(label: str, value: Any, unit: str, href: str, definition: str, state: str = "ok") -> dict[str, Any]:
    return {"label": label, "value": value, "unit": unit, "href": href, "definition": definition, "state": state}


def _calls(notice: Notice | None, moment: Any) -> dict[str, Any]:
    """The newest call: how many were called, have answered, are silent. Each number opens exactly its rows."""
    book = find("addressee")
    rows = []
    if notice:
        counts = dict(notice.addressees.values_list("state").annotate(n=Count("id")))
        for label, state, definition in (
            ("已应答", "answered", "本人或 B 角、上级已应答的岗位数"),
            ("待应答", "waiting", "已呼叫、尚未应答、阶梯未走完的岗位数"),
            ("代答", "on_behalf", "由值班人员记录代答的岗位数"),
            ("未应答", "silent", "阶梯走完仍无人应答的岗位数"),
        ):
            params = {"notice": notice.pk, "state": state}
            bad = "late" if state == "silent" and counts.get(state) else "ok"
            rows.append(_number(label, counts.get(state, 0), "人", book.url(params), definition, bad))
    title = f"{notice.get_level_display() if notice.level else ''}叫应" if notice else "叫应"
    played = sending.simulated(world := scope.current().world) or bool(world.switches.get("simulate"))
    return panel("left1", title, f"叫应记录{'(模拟电话)' if played else ''}", moment, "numbers", address("list", "addressee"), numbers=rows)


def _districts(notice: Notice | None, names: dict[str, str], moment: Any) -> dict[str, Any]:
    """Silent first: each district's share answered."""
    bars = []
    if notice:
        found: dict[str, list[int]] = {}
        for area, state, n in notice.addressees.values_list("area_id", "state").annotate(n=Count("id")):
            row = found.setdefault(area[:6] + "000000", [0, 0])
            row[0] += n
            row[1] += n if state in Addressee.ANSWERS else 0
        for code, (total, answered) in found.items():
            if code in names:
                href = find("addressee").url({"notice": notice.pk, "area": code, "state": list(Addressee.ANSWERS)})
                bars.append({"label": names[code], "value": answered, "total": total, "href": href})
        bars.sort(key=lambda b: b["value"] / b["total"])
    return panel("left2", "各区(市)应答", "叫应记录", moment, "bars", address("list", "addressee"), bars=bars)


def _posts(shifts: list[Shift], moment: Any) -> dict[str, Any]:
    book = find("shift")
    rows = [{"cells": [s.get_post_display(), s.person.name, _short(s.until)], "level": None, "href": book.link(s), "late": False} for s in shifts]
    return panel("left3", "值班值守", "值班安排", moment, "table", book.url(), columns=["岗位", "姓名", "至"], rows=rows)


def rain(moment: Any) -> list[Fallen]:
    """What each gauge measured in each of the last 24 hours."""
    gauges = readings.of_quantity(Sensor.Quantity.RAIN)
    read = readings.between(scope.current().world, moment - timedelta(hours=24), moment, gauges)
    hour = read.at // HOUR_MS
    starts = np.flatnonzero((np.diff(read.sensor, prepend=-1) != 0) | (np.diff(hour, prepend=-1) != 0))
    amount = np.add.reduceat(read.value, starts) if len(starts) else []
    rows = zip(read.sensor[starts].tolist(), hour[starts].tolist(), amount, strict=True)
    fallen = [(str(gauges[sensor].area_id), sensor, at, float(mm)) for sensor, at, mm in rows]
    return sorted(fallen, key=lambda row: row[2])


def _rain_line(fallen: list[Fallen], names: dict[str, str], moment: Any) -> dict[str, Any]:
    """Hourly mean over the gauges of the three districts that got most."""
    hours: dict[str, dict[int, list[float]]] = {}
    for area, _, hour, mm in fallen:
        hours.setdefault(area[:6] + "000000", {}).setdefault(hour, []).append(mm)
    means = {code: {_hour(h): sum(mm) / len(mm) for h, mm in of.items()} for code, of in hours.items()}
    top = sorted(means, key=lambda code: -sum(means[code].values()))[:3]
    source = "雨量站(重建序列)" if scope.current().world.kind == World.Kind.REPLAY else "雨量站"
    series = [{"name": names.get(c, c), "points": [[h, round(mm, 1)] for h, mm in means[c].items()]} for c in top]
    return panel(
        "left3", "近24小时面雨量", source, moment, "line", address("list", "station"), line={"unit": "mm/h", "series": series}
    )


def _hour(number: int) -> str:
    return timezone.localtime(datetime.fromtimestamp(number * HOUR_MS / 1000, UTC)).isoformat()


def _alarms(moment: Any) -> dict[str, Any]:
    standing = Alarm.objects.filter(active=True, held=False).select_related("sensor__station", "rule", "area")
    rows = standing.alias(single=Q(sensor__isnull=False)).order_by("level", "single", "-id")[:ROWS]  # an area's before those that it counts
    book = find("alarm")
    cells = [
        {"cells": [a.place, str(a.rule), a.most or a.first, _short(a.at)], "level": a.level, "href": book.link(a), "late": False}
        for a in rows
    ]  # fmt: skip
    return panel("right1", "监测告警", "监测站", moment, "table", book.url({"active": True}), columns=["测站", "规则", "最大", "时间"], rows=cells)


def _warnings(signals: list[Warning], moment: Any) -> dict[str, Any]:
    book = find("warning")
    rows = [
        {
            "cells": [f"{w.hazard}{w.get_colour_display()}", w.issuer, _short(w.issued_at), "重建" if w.reconstructed else "公布"],
            "level": w.level, "href": book.link(w), "late": False,
        }
        for w in signals[:ROWS]
    ]  # fmt: skip
    return panel("right2", "预警信号", "气象台", moment, "table", book.url({"state": "active"}), columns=["信号", "发布", "时间", "依据"], rows=rows)


def _orders(event: Event | None, moment: Any) -> dict[str, Any]:
    """Late first, then what is due next."""
    book = find("order")
    rows = Order.objects.filter(event=event, closed_at=None).select_related("unit").order_by("-overdue", "finish_by")[:ROWS]
    cells = [
        {"cells": [o.unit.short, o.text, o.state_label, _short(o.finish_by)], "level": None, "href": book.link(o), "late": o.overdue}
        for o in rows
    ]  # fmt: skip
    return panel(
        "right3", "事件处置", "调度指令", moment, "table", book.url({"event": event.pk}) if event else book.url(),
        columns=["单位", "任务", "状态", "时限"], rows=cells,
    )  # fmt: skip


def _proposals(moment: Any) -> dict[str, Any]:
    book = find("proposal")
    rows = [
        {"cells": [str(p), p.state_label, _short(p.opened_at)], "level": p.level, "href": book.link(p), "late": p.overdue}
        for p in Proposal.objects.order_by("-id")[:ROWS]
    ]
    return panel("right3", "响应建议", "防办", moment, "table", book.url(), columns=["建议", "状态", "时间"], rows=rows)


def areas(fallen: list[Fallen], notice: Notice | None) -> dict[str, dict[str, Any]]:
    """For each town: the largest 24 h rain of its gauges, and its latest call."""
    found: dict[str, dict[str, Any]] = {}
    gauges: dict[tuple[str, int], float] = {}
    for area, sensor, _, mm in fallen:
        gauges[area, sensor] = gauges.get((area, sensor), 0.0) + mm
    for (area, _), total in gauges.items():
        town = found.setdefault(area, {})
        town["rain_mm"] = max(round(total, 1), town.get("rain_mm", 0.0))
    calls = Addressee.objects.filter(notice=notice, area__level__in=("town", "village")).values_list("area_id")
    counted = calls.annotate(
        called=Count("id"), answered=Count("id", filter=Q(state__in=Addressee.ANSWERS)), silent=Count("id", filter=Q(state="silent"))
    )
    for area, called, answered, silent in counted if notice else ():
        town = found.setdefault(area[:9] + "000", {})
        for name, n in (("called", called), ("answered", answered), ("silent", silent)):
            town[name] = town.get(name, 0) + n
    return found


def layers() -> list[dict[str, Any]]:
    """Every register with a place is a layer, with what stands of it."""
    found = []
    for book in ALL.values():
        if book.point and book.visible():
            query = asked(book.standing).urlencode()
            found.append(
                {"name": book.name, "label": book.title, "family": book.family or book.group, "count": book.rows(book.standing).count(),
                 "href": book.url(book.standing), "url": address("layer", book.name) + (f"?{query}" if query else ""), "on": book.name in ("alarm",)}
            )  # fmt: skip
    return found
