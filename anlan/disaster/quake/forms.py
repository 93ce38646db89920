from anlan.kernel.forms import Form

OFFICE = "office office_head"

Form("quake_works", "房屋设施加固工程",
     "name:工程名称! district_unit:责任单位:unit houses:加固数量:int done_on:完成日期:date surveyed:与普查数据共享:yes",
     items="24", group="大减灾", write=f"{OFFICE} district_duty")  # fmt: skip
Form("shelter", "应急避难场所建设",
     "name:场所名称! grade:类别:Ⅰ类|Ⅱ类|Ⅲ类|Ⅳ类! area_m2:有效面积(m²):number! people:可容纳人数:int address:地址!"
     " due_on:计划建成时间:time!",
     items="25", group="大减灾", way="task", write=f"{OFFICE} district_duty", decides="office_head leader", within="due_on",
     basis="年度工作要点要求年内完成", raises="office_head", prefix="避难场所")  # fmt: skip
Form("quake_school", "地震科普示范点",
     "name:名称! kind:类别:示范学校|科普活动站! level:级别:国家级|省级|市级 named_on:认定或建成日期:date!",
     items="25", group="大减灾", write=OFFICE)  # fmt: skip
Form("quake_duty", "震情保障",
     "period:保障时段! kind:类别:趋势会商|监视跟踪|响应处置|预警系统试运行|洞体监测建设! held_on:日期:date! text:情况:long!",
     items="26 27", group="大减灾", write=OFFICE)  # fmt: skip
