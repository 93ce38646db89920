from anlan.kernel.cases import Flow, Limit, Move

DESK = "duty_officer duty_lead leader"

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
