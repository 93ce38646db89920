from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import READERS
from anlan.kernel.registers import Register

from .models import Alarm, Broker, Message, Reader, Rule, Sensor, StageLimit, Station, Warning

Register(
    Station,
    columns="code name kind area limits:水位限值 lon lat synthetic note",
    filters="kind area",
    search="code name",
    point="lon lat",
    family="监测对象",
    group="大应急",
    see=READERS,
    write="flood_office",
    gather="sensors__rules",
)
Register(
    Sensor,
    columns="code station quantity unit low high limits:水位限值 area",
    filters="quantity area",
    search="code station__name",
    unsummed="low high",
    face="desk:sensor",
    group="大应急",
    see=READERS,
    gather="rules",
)
Register(
    StageLimit,
    name="limit",
    columns="sensor mark amount clear level source confidence version since until area",
    filters="mark level area",
    search="sensor__station__name sensor__code",
    unsummed="amount clear",
    group="大应急",
    see=READERS,
    write="flood_office",
    form="sensor mark amount clear level source confidence version since until",
    join="sensor__station",
)

Register(
    Rule,
    columns="hazard kind quantity hours amount clear level sensor source confidence version since until",
    filters="area hazard kind quantity level",
    unsummed="hours amount clear",
    worded={"amount": "limit", "clear": "clearing"},
    join="sensor__station",
    group="大应急",
    see=READERS,
    write="flood_office district_duty",
    form="kind hazard quantity hours amount clear level reach hold_up_s hold_down_s fresh_s page_s handle_s latched season_from season_until"
    " area station sensor source confidence version since until",
    tries="desk:rule-trial",
)
Register(
    Alarm,
    columns="place:地点 rule level stage_label:状态 at value peak cleared_at acknowledged_by overdue handled counted:计入测站 uncounted:未计入 area",
    filters="level active held overdue area rule burst",
    search="sensor__station__name area__name",
    order="-id",
    worded={"value": "first", "peak": "most"},
    point="sensor__station__lon sensor__station__lat",
    standing={"active": True, "held": False},
    family="监测对象",
    group="大应急",
    see=READERS,
)
Register(
    Warning,
    columns="hazard colour level state issuer issued_at ended_at reconstructed area",
    filters="hazard level state",
    search="text issuer",
    order="-id",
    group="大应急",
    see=READERS,
)

Register(
    Broker,
    columns="name gateway place topic format enabled",
    filters="enabled",
    search="name place topic",
    group="系统",
    see=("system_keeper", "security_keeper", "audit_keeper"),
    city=True,
)
Register(
    Reader,
    columns="name person area enabled heard_at",
    filters="area enabled",
    search="name person__name",
    group="系统",
    see=("system_keeper", "security_keeper", "audit_keeper"),
    city=True,
)
Register(
    Message,
    columns="at headline identifier kind status fate why said:问题 signature source warning sent area",
    filters="fate at kind status",
    search="identifier headline source why",
    order="-id",
    group="大应急",
    see=READERS,
)

Indicator(
    "sensing.alarms", "监测告警", "alarm", {"active": True, "held": False}, unit="个",
    definition="当前未解除的监测告警数,停用测点和已由同站告警的不计;同一测点同一规则只计一次。来源:监测站读数按阈值规则自动判定",
)  # fmt: skip
Indicator("sensing.warnings", "生效预警", "warning", {"state": "active"}, unit="条", definition="已发布且未解除、未被变更的预警信号数")
Indicator("sensing.stations", "监测站", "station", {}, unit="站", definition="登记在册的监测站数")
