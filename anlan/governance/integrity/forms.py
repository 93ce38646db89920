from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

GROUP = "党建与内控"
FEW = "discipline leader"

Form("integrity_file", "廉政档案",
     "person:姓名! unit:所在处室:unit! filed_on:建档日期:date! text:内容:long!",
     items="41", group=GROUP, write="discipline", see=FEW, city=True)  # fmt: skip
Form("integrity_visit", "廉政回访",
     "person:回访对象! visited_on:日期:date! text:情况:long!",
     items="41", group=GROUP, write="discipline", see=FEW, city=True)  # fmt: skip
Form("integrity_risk", "廉政风险点",
     "post:岗位或环节! field:领域:行政执法|安全监管|行政审批|培训考试|采购|其他! level:等级:高|中|低! guard:防控措施:long! checked_on:排查日期:date!",
     items="41", group=GROUP, write="discipline office_head", see=f"{FEW} office_head", city=True)  # fmt: skip
Form("inner_inspection", "内部专项督察",
     "field:领域:行政执法|安全监管|行政审批|培训考试! unit:被督察处室:unit! found_on:日期:date! finding:发现问题:long! due_on:整改期限:time!",
     items="41", group=GROUP, way="task", owner="unit", write="discipline office_head", decides="discipline leader", within="due_on",
     basis="督察意见书载明的整改期限", raises="leader", see=f"{FEW} office_head", city=True, prefix="督察")  # fmt: skip
Form("political_sheet", "政治监督活页",
     "matter:监督事项! source:上级部署! unit:责任处室:unit! due_on:完成时限:time! text:要求:long!",
     items="41", group=GROUP, way="task", owner="unit", write="office office_head discipline", decides="discipline leader", within="due_on",
     basis="上级部署或监督方案确定的时限", raises="leader", prefix="监督")  # fmt: skip
Form("discipline_case", "违纪问题",
     "person:姓名! unit:所在处室:unit! found_on:查实日期:date! text:违纪事实:long! decision:处理决定!",
     items="41", group=GROUP, write="discipline", see=FEW, city=True, prefix="违纪")  # fmt: skip

Indicator("zero.errands", "上级交办超时", "political_sheet", {"overdue": True}, unit="件", when="opened_at", zero="力争上级交办事项零延误",
          definition="期内登记、现已超过完成时限仍未办结的上级交办事项数")  # fmt: skip
Indicator("zero.discipline", "违纪问题", "discipline_case", unit="件", when="found_on", zero="干部队伍零违纪", definition="期内查实的干部违纪问题数")
