from anlan.kernel.cases import Flow, Limit, Move

OFFICE = "duty_officer duty_lead flood_office leader"

PROPOSAL = Flow(
    "proposal",
    "响应级别建议",
    {"proposed": "待确认", "confirmed": "已确认", "declined": "不采纳", "lapsed": "已失效"},
    (
        Move("confirm", "确认", "proposed", "confirmed", OFFICE, needs="signer", asks="consult"),
        Move("decline", "不采纳", "proposed", "declined", OFFICE, needs="refusal", danger=True),
        Move("lapse", "失效", "proposed", "lapsed", "system"),
    ),
    ends="confirmed declined lapsed",
    limits=(
        Limit(
            "proposed",
            "启动、提升参照2022年9月14日梅花实际:16时50分信号变更,17时启动响应,间隔10分钟;"
            "降低、终止须会商研判,不设时限(2022年8月解除信号后11时20分终止);本市规定未公开,可配置",
            by="confirm_by",
            raise_to="duty_lead leader",
            confidence="V(事实)/M-low(作为时限)",
        ),
    ),
)

RESPONSE = Flow(
    "response",
    "防汛防台风应急响应",
    {"active": "响应中", "ended": "已终止"},
    (Move("end", "终止响应", "active", "ended", "system"),),
    ends="ended",
)
