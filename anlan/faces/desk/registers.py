from anlan.kernel.indicators import Indicator
from anlan.response.duty.handover import carry

Indicator(
    "desk.silent", "未应答", "addressee", {"state": "silent"}, unit="人",
    definition="呼叫阶梯走完仍无人应答的责任岗位数,补应答或代答后减少。来源:叫应记录",
)  # fmt: skip
Indicator(
    "desk.waiting", "待应答", "addressee", {"state": "waiting"}, unit="人",
    definition="已发出叫应、尚未应答且呼叫阶梯未走完的责任岗位数。来源:叫应记录",
)  # fmt: skip
Indicator(
    "desk.orders", "在办指令", "order", {"state": ["given", "received"]}, unit="条",
    definition="已下达、尚未报告完成也未撤回的调度指令数。来源:调度指令",
)  # fmt: skip
Indicator(
    "desk.written", "待报书面报告", "writtenreport", {"state": ["drafting", "signing"]}, unit="件",
    definition="较大以上生产安全事故中尚未签发报送的书面报告数。来源:书面报告",
)  # fmt: skip

carry("command.events", "flood.proposals", "desk.silent", "desk.waiting", "desk.orders", "desk.written", "sensing.warnings")
