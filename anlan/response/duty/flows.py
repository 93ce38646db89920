from anlan.kernel.cases import Flow, Limit, Move

DESK = "duty_officer duty_lead leader"
WATCH = f"{DESK} flood_office district_duty town_duty"

PHONE = Flow(
    "phone_report",
    "电话快报",
    {"waiting": "待电话报告", "phoned": "已电话报告"},
    (Move("phone", "已电话报告", "waiting", "phoned", DESK, needs="told"),),
    ends="phoned",
    limits=(
        Limit(
            "waiting",
            "山东省安全生产条例第六十五条:市、县人民政府接到生产安全事故报告后三十分钟内报省安委办",
            minutes=30,
            since="received_at",
            remind=(0.5, 0.17),
            raise_to="duty_lead leader",
        ),
    ),
)

WRITTEN = Flow(
    "written_report",
    "书面报告",
    {"drafting": "拟稿", "signing": "待签发", "sent": "已报送"},
    (
        Move("submit", "送签", "drafting", "signing", DESK, needs="text"),
        Move("back", "退回修改", "signing", "drafting", "duty_lead leader", needs="remark"),
        Move("sign", "签发报送", "signing", "sent", "duty_lead leader", needs="signer"),
    ),
    ends="sent",
    limits=(
        Limit(
            "drafting",
            "山东省安全生产条例第六十五条:较大以上事故一小时内书面报告",
            hours=1,
            since="received_at",
            remind=(0.5,),
            raise_to="duty_lead leader",
        ),
        Limit("signing", "山东省安全生产条例第六十五条:较大以上事故一小时内书面报告", hours=1, since="received_at", raise_to="leader"),
    ),
)

HANDOVER = Flow(
    "handover",
    "交接班",
    {"offered": "待接班", "taken": "已接班", "withdrawn": "已撤回"},
    (
        Move("take", "接班", "offered", "taken", WATCH, asks="reply"),
        Move("amend", "补充交班事项", "offered", "offered", WATCH, needs="remarks"),
        Move("withdraw", "撤回", "offered", "withdrawn", WATCH, danger=True),
    ),
    ends="taken withdrawn",
    limits=(
        Limit(
            "offered",
            "值班室交接班约定(起始值30分钟,由本单位值班制度确定,可配置)",
            minutes=30,
            since="opened_at",
            remind=(0.5,),
            raise_to="duty_lead",
            confidence="M-low",
        ),
    ),
)

PHONE_CALL = Flow(
    "phone_call",
    "通话",
    {"missed": "未接待回", "returned": "已回电", "waived": "不需回电", "logged": "已记录"},
    (
        Move("back", "已回电", "missed", "returned", WATCH, needs="result"),
        Move("waive", "不需回电", "missed", "waived", WATCH, needs="result"),
        Move("correct", "更正为已接", "missed", "logged", WATCH, needs="result"),
    ),
    ends="returned waived logged",
    limits=(
        Limit(
            "missed",
            "值班室未接来电回电约定(起始值15分钟,由本单位值班制度确定,可配置)",
            minutes=15,
            since="at",
            remind=(0.33,),
            raise_to="duty_lead",
            confidence="M-low",
        ),
    ),
)
