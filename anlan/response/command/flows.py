from anlan.kernel.cases import Flow, Limit, Move

DESK = "duty_officer duty_lead leader flood_office"
DOERS = "duty_officer duty_lead flood_office district_duty town_duty team"

EVENT = Flow(
    "event",
    "突发事件",
    {"open": "处置中", "closed": "已终止", "reviewed": "已评估"},
    (
        Move("close", "终止处置", "open", "closed", DESK, needs="outcome"),
        Move("review", "完成评估", "closed", "reviewed", DESK),
    ),
    ends="closed reviewed",
)

ORDER = Flow(
    "order",
    "调度指令",
    {"given": "已下达", "received": "已接收", "done": "已完成", "refused": "无法执行", "withdrawn": "已撤回"},
    (
        Move("receive", "接收", "given", "received", DOERS),
        Move("finish", "报告完成", "given received", "done", DOERS, needs="result"),
        Move("refuse", "无法执行", "given received", "refused", DOERS, needs="result", danger=True),
        Move("withdraw", "撤回", "given received", "withdrawn", DESK, danger=True),
    ),
    ends="done refused withdrawn",
    limits=(
        Limit("given", "预案任务卡规定的完成时限", by="finish_by", raise_to="duty_officer duty_lead", confidence="M-low"),
        Limit("received", "预案任务卡规定的完成时限", by="finish_by", raise_to="duty_officer duty_lead", confidence="M-low"),
    ),
)
