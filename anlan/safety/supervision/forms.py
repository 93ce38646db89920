from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("joint_list", "跨部门综合监管责任清单",
     "matter:监管事项! lead:牵头部门:unit! members:配合部门:long! duties:责任分工:long! changed_on:公布或更新日期:date!",
     items="11", group="大安全", write=OFFICE)  # fmt: skip
Form("patrol", "区(市)安全生产巡查",
     "round_name:轮次! began_on:开始日期:date! ended_on:结束日期:date team:巡查组! finding:发现问题:long! due_on:整改期限:time!",
     items="11", group="大安全", way="task", write=OFFICE, decides="office_head leader", within="due_on", basis="巡查反馈意见载明的整改期限",
     raises="office_head", prefix="巡查")  # fmt: skip
Form("risk_report", "行业风险分析研判报告",
     "quarter:季度:一季度|二季度|三季度|四季度! trade:行业领域! held_on:研判日期:date! issued_on:发布日期:date! text:主要风险和建议:long!",
     items="12", group="大安全", write=OFFICE)  # fmt: skip
Form("diagnosis", "“诊断式”监管服务",
     "firm:企业名称! trade:领域:地下非煤矿山|尾矿库|涉爆粉尘|液氨制冷|冶金铸造|其他人员密集型工贸!"
     " served_on:诊断日期:date! experts:专家! hazards:发现隐患数:int! settled:已整改数:int note:意见:long",
     items="13", group="大安全", write=f"{OFFICE} inspector")  # fmt: skip

Indicator("supervision.patrols", "区(市)巡查覆盖率", "patrol", {"state": ["open", "handed_in", "done"]}, unit="%",
          measure=("covered", "area"), of=("area", {"level": "district"}),
          when="began_on", aim="巡查", definition="期内有巡查记录(登记的区域在该区市之内,已撤销的不计)的区(市)占全部区(市)的百分比")  # fmt: skip
Indicator("supervision.reports", "本季风险分析研判", "risk_report", unit="次", when="held_on", per="quarter", aim="行业风险分析研判", turn="行业风险分析研判",
          definition="本季度开展并发布的行业风险分析研判次数")  # fmt: skip
Indicator("supervision.diagnosed", "“诊断式”服务企业", "diagnosis", unit="家", when="served_on", measure=("distinct", "firm"),
          aim="*高危及人员密集型工贸企业", definition="期内接受诊断式监管服务的企业数(同名企业计一家)")  # fmt: skip
