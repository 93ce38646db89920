from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

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

SHELTERS = {"state": "done"}
Indicator("quake.shelters", "地震应急避难场所", "shelter", SHELTERS, unit="个", when="closed_at", aim="*地震应急避难场所",
          definition="期内验收通过的地震应急避难场所数")  # fmt: skip
Indicator("quake.shelters_1", "Ⅰ类避难场所", "shelter", SHELTERS | {"grade": "Ⅰ类"}, unit="个", when="closed_at", aim="Ⅰ类*",
          definition="期内验收通过的国家标准Ⅰ类避难场所数")  # fmt: skip
Indicator("quake.shelters_2", "Ⅱ类避难场所", "shelter", SHELTERS | {"grade": "Ⅱ类"}, unit="个", when="closed_at", aim="Ⅱ类*",
          definition="期内验收通过的国家标准Ⅱ类避难场所数")  # fmt: skip
Indicator("quake.shelters_3", "Ⅲ类和Ⅳ类避难场所", "shelter", SHELTERS | {"grade": ["Ⅲ类", "Ⅳ类"]}, unit="个", when="closed_at",
          aim="Ⅲ类和Ⅳ类*", definition="期内验收通过的国家标准Ⅲ类、Ⅳ类避难场所数")  # fmt: skip
Indicator("quake.schools", "省级以上科普示范学校", "quake_school", {"kind": "示范学校", "level": ["国家级", "省级"]}, unit="所", when="named_on",
          aim="*省级以上地震科普示范学校", definition="期内认定的省级以上地震科普示范学校数")  # fmt: skip
Indicator("quake.stations", "科普活动站", "quake_school", {"kind": "科普活动站"}, unit="个", when="named_on", aim="*科普活动站",
          definition="期内建成的地震科普活动站数")  # fmt: skip
