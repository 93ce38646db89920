from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("consultation", "风险会商",
     "period:期次! held_on:会商日期:date! kind:类别:年度|季度|月度|临灾|复盘! units:参加单位:long! verdict:会商意见:long!"
     " focus:重点区域和时段:long",
     items="15", group="大减灾", write=f"{OFFICE} flood_office")  # fmt: skip
Form("inquiry", "自然灾害调查评估",
     "event:灾害事件或区域! began_on:启动日期:date! due_on:计划完成时间:time! finding:主要结论:long",
     items="15", group="大减灾", way="task", write=OFFICE, decides="office_head leader", within="due_on", basis="调查评估方案确定的完成时间",
     raises="office_head")  # fmt: skip
Form("grassroots_hazard", "基层灾害风险隐患",
     "place:位置! kind:类别:地质|山洪内涝|森林火灾|海洋|地震|其他! found_on:发现日期:date! text:情况:long! due_on:整改期限:time",
     items="15 22", group="大减灾", way="task", write=f"{OFFICE} district_duty town_duty", decides="office_head district_duty",
     within="due_on", basis="隐患整改通知载明的期限", raises="district_duty office_head")  # fmt: skip
Form("model_community", "综合减灾示范创建",
     "place:社区(村)或镇街! level:级别:国家级|省级|市级|示范镇街|示范县试点! organisation:组织领导:points(20) risk:风险隐患排查:points(20)"
     " plan:预案与演练:points(20) supplies:物资与场所:points(20) education:宣传教育:points(20)",
     items="16", group="大减灾", way="approval", write=f"{OFFICE} district_duty", decides="office_head leader",
     prefix="减灾示范")  # fmt: skip
Form("outreach", "防灾减灾科普活动",
     "topic:活动名称! kind:形式:进企业|进农村|进社区|进学校|进家庭|知识竞答|媒体宣传! held_on:日期:date! people:参加人次:int",
     items="14 17", group="大减灾", write=f"{OFFICE} district_duty town_duty")  # fmt: skip
Form("secondary_disaster", "次生衍生灾害",
     "name:名称! happened_on:发生日期:date! origin:原生灾害! loss:损失情况:long! cause:原因:long",
     items="15", group="大减灾", write=f"{OFFICE} flood_office duty_officer", prefix="次生灾害")  # fmt: skip

Indicator("reduction.inquiries", "自然灾害调查评估", "inquiry", {"state": "done"}, unit="个", when="closed_at", aim="自然灾害调查评估",
          definition="期内验收通过的自然灾害调查评估试点数")  # fmt: skip
Indicator("reduction.communities", "综合减灾示范社区", "model_community", {"level": ["国家级", "省级", "市级"], "state": "approved"}, unit="个",
          when="closed_at", aim="示范社区*", definition="期内批准的国家、省、市级综合减灾示范社区数")  # fmt: skip
Indicator("zero.secondary", "次生衍生灾害", "secondary_disaster", unit="起", when="happened_on", zero="力争自然灾害零次生衍生灾害",
          definition="期内登记的自然灾害次生、衍生灾害起数")  # fmt: skip
