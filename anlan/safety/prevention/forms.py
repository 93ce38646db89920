from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("standard_grade", "安全生产标准化定级",
     "firm:企业名称! trade:行业! grade:申报等级:一级|二级|三级! score:评审得分:number outcome_note:评审意见:long",
     items="7", group="大安全", way="approval", write="office office_head", decides="office_head leader",
     prefix="标准化")  # fmt: skip
Form("model_firm", "“八抓20条”标杆企业",
     "firm:企业名称! trade:行业 named_on:公布日期:date! deed:主要做法:long",
     items="7", group="大安全", write=OFFICE)  # fmt: skip
Form("insurance_service", "安责险事故预防服务",
     "firm:企业名称! insurer:承保机构! served_on:服务日期:date! hazards:发现隐患数:int settled:已整改数:int note:服务内容:long",
     items="7", group="大安全", write=OFFICE)  # fmt: skip
Form("rebuild", "“三化”改造项目",
     "firm:企业名称! kind:类别:化工医药两重点一重大|工贸重大危险源|全过程自动化试点|机器人巡检试点! content:改造内容:long! due_on:计划完成时间:time!",
     items="8", group="大安全", way="task", write=f"{OFFICE} district_duty", decides="office_head leader", within="due_on",
     basis="年度工作要点要求年内完成", raises="office_head")  # fmt: skip

Indicator("prevention.third", "三级标准化企业", "standard_grade", {"grade": "三级", "state": "approved"}, unit="家", when="closed_at",
          aim="三级安全生产标准化企业*", definition="期内经审批定级的三级安全生产标准化企业数")  # fmt: skip
Indicator("prevention.models", "“八抓20条”标杆企业", "model_firm", unit="家", when="named_on", aim="标杆企业*", definition="期内公布的标杆企业数")
Indicator("prevention.rebuilt", "工贸重大危险源改造", "rebuild", {"kind": "工贸重大危险源", "state": "done"}, unit="家", when="closed_at",
          aim="*工贸重大危险源企业改造", definition="期内验收通过的工贸重大危险源企业改造项目数")  # fmt: skip
Indicator("prevention.robots", "机器人巡检试点", "rebuild", {"kind": "机器人巡检试点", "state": "done"}, unit="家", when="closed_at",
          aim="*高危行业企业机器人巡检", definition="期内验收通过的机器人巡检试点企业数")  # fmt: skip
