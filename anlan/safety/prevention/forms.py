from anlan.kernel.forms import Form

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
