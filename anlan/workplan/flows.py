"""The loops of the plan: a task letter is issued and signed; a late matter is urged, supervised and closed."""

from anlan.kernel.cases import Flow, Limit, Move

KEEPERS = "leader duty_lead"
OWNERS = "office office_head flood_office district_duty"

LETTER = Flow(
    "plan_letter", "任务书",
    {"drafted": "待签发", "issued": "待签收", "signed": "已签收", "withdrawn": "已收回"},
    (
        Move("issue", "签发", "drafted", "issued", KEEPERS),
        Move("sign", "签收", "issued", "signed", OWNERS, asks="opinion", owner="unit"),
        Move("withdraw", "收回", "drafted issued signed", "withdrawn", KEEPERS, needs="opinion", danger=True),
        Move("draft_again", "重新拟制", "withdrawn", "drafted", KEEPERS),
    ),
    ends="signed withdrawn",
)  # fmt: skip
SUPERVISION = Flow(
    "plan_supervision", "催办督办",
    {"urged": "已催办", "supervised": "督办中", "replied": "待认可", "closed": "已销号", "dropped": "已撤销"},
    (
        Move("reply", "反馈", "urged supervised", "replied", OWNERS, needs="reply", owner="unit"),
        Move("raise", "转督办", "urged replied", "supervised", KEEPERS, needs="opinion due_by"),
        Move("close", "认可销号", "replied", "closed", KEEPERS, asks="opinion", apart=True),
        Move("give_back", "退回", "replied", "urged", KEEPERS, needs="opinion due_by"),
        Move("drop", "撤销", "urged supervised replied", "dropped", KEEPERS, needs="opinion", danger=True),
    ),
    ends="closed dropped",
    limits=(
        Limit("urged", "催办通知载明的反馈时限", by="due_by", remind=(0.3,), raise_to="duty_lead leader"),
        Limit("supervised", "督办通知载明的反馈时限", by="due_by", remind=(0.3,), raise_to="leader"),
    ),
)  # fmt: skip
