from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("pilot_team", "镇街执法规范化试点",
     "town:镇(街道)! started_on:启动日期:date! officers:持证执法人数:int goal:试点内容:long! due_on:验收时间:time!",
     items="9", group="大安全", way="task", write=f"{OFFICE} district_duty", decides="office_head leader", within="due_on",
     basis="试点方案确定的验收时间", raises="office_head")  # fmt: skip
Form("mandate", "委托行政处罚",
     "town:镇(街道)! matters:委托事项:long! since_on:起日:date! until_on:止日:date! published_on:公开日期:date"
     " kind:方式:委托执法|派驻执法!",
     items="9", group="大安全", write=f"{OFFICE} legal")  # fmt: skip
Form("campaign", "专项执法活动",
     "name:活动名称! kind:方式:全域专项|异地交叉|示范执法|双随机联合|专项整治! began_on:开始日期:date! ended_on:结束日期:date firms:检查企业数:int"
     " hazards:发现问题数:int settled:已整改数:int cases:立案数:int",
     items="10 12 13", group="大安全", write=f"{OFFICE} inspector")  # fmt: skip
Form("credit_repair", "信用修复",
     "firm:单位名称! code:统一社会信用代码! cause:失信行为:long! listed_on:列入日期:date! proof:整改证明:long!",
     items="10", group="大安全", way="approval", write="office inspector", decides="office_head legal", prefix="信用修复")  # fmt: skip
Form("blacklist", "安全生产黑名单",
     "firm:单位名称! code:统一社会信用代码! cause:列入事由:long! basis_text:列入依据! listed_on:列入日期:date! due_on:移出期限:time!",
     items="10", group="大安全", way="task", write="office inspector", decides="office_head legal", within="due_on",
     basis="《青岛市安全生产黑名单管理制度》及列入决定载明的期限", raises="office_head", prefix="黑名单")  # fmt: skip

Indicator("enforcement.pilots", "镇街执法规范化试点", "pilot_team", {"state": "done"}, unit="个", when="closed_at", aim="*镇(街道)执法队伍",
          definition="期内验收通过的镇(街道)执法队伍规范化试点数")  # fmt: skip
Indicator("enforcement.mandates", "委托执法覆盖率", "mandate", unit="%", measure=("covered", "area"), of=("area", {"level": "town"}),
          aim="委托行政处罚", definition="有委托或派驻执法登记(登记的区域为该镇街)的镇(街道)占全部镇(街道)的百分比")  # fmt: skip
Indicator("enforcement.campaigns", "全域专项执法活动", "campaign", {"kind": "全域专项"}, unit="次", when="began_on", aim="*全域性专项执法",
          definition="期内开始的全域性专项执法活动次数")  # fmt: skip
Indicator("enforcement.released", "黑名单按期移出率", "blacklist", unit="%", when="opened_at", measure=("kept", ""), aim="黑名单",
          definition="已移出或已过移出期限的黑名单记录中,按期移出的百分比")  # fmt: skip
