from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("plan_filing", "应急预案备案",
     "name:预案名称! unit:编制单位:unit! kind:类别:总体|专项|部门|镇街|村社区|地质灾害|企业! issued_on:印发日期:date! digital:已数字化:yes"
     " revise_by:应修订日期:date",
     items="34", group="大应急", way="approval", write=f"{OFFICE} district_duty town_duty", decides="office_head",
     prefix="预案备案")  # fmt: skip
Form("drill_record", "应急演练",
     "name:演练名称! level:级别:市级|区(市)级|镇街级|企业! kind:形式:双盲桌面|桌面|实战|队伍拉动|异地处置|远程机动!"
     " field:领域:安全生产|防汛防台风|森林防灭火|震害防御|综合! due_on:计划时间:time! held_on:举办日期:date people:参演人数:int lesson:评估与改进:long",
     items="20 35", group="大应急", way="task", write=f"{OFFICE} district_duty flood_office", decides="office_head leader",
     within="due_on", basis="年度演练计划确定的时间", raises="office_head", prefix="演练")  # fmt: skip
Form("expert", "应急专家",
     "name:姓名! field:专业领域! employer:工作单位! until_on:聘期至:date! active:在库:yes",
     items="36", group="大应急", write=OFFICE)  # fmt: skip
Form("contest", "救援技术竞赛",
     "name:竞赛名称! held_on:日期:date! teams:参赛队伍数:int result:结果:long",
     items="36", group="大应急", write=OFFICE)  # fmt: skip
Form("rescue_station", "基层应急综合救援站",
     "name:名称! town:镇(街道)! grade:级别:一级站|二级站|三级站! built_on:建成日期:date! people:人员数:int vehicles:车辆数:int",
     items="37", group="大应急", write=f"{OFFICE} district_duty")  # fmt: skip
Form("landing", "直升机起降点",
     "name:名称! place:位置! kind:类别:永久|临时! ready_on:可用日期:date note:条件:long",
     items="37", group="大应急", write=OFFICE)  # fmt: skip

Indicator("rescue.plans", "镇街预案备案率", "plan_filing", {"kind": "镇街", "state": "approved"}, unit="%", measure=("covered", "area"),
          of=("area", {"level": "town"}), aim="应急预案全覆盖", definition="有已备案镇街预案(登记的区域为该镇街)的镇(街道)占全部镇(街道)的百分比")  # fmt: skip
Indicator("rescue.drills", "市级演练", "drill_record", {"level": "市级", "state": "done"}, unit="次", when="closed_at", aim="市级演练*",
          definition="期内办结(验收通过)的市级应急演练次数")  # fmt: skip
Indicator("rescue.stations", "综合救援站覆盖率", "rescue_station", {"grade": ["一级站", "二级站"]}, unit="%", measure=("covered", "area"),
          of=("area", {"level": "town"}), aim="至少建成", definition="有一级站或二级站(登记的区域为该镇街)的镇(街道)占全部镇(街道)的百分比")  # fmt: skip
