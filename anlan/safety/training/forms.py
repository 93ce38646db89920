from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("inner_class", "系统内培训班次",
     "topic:培训主题! host:主办处室:unit! held_on:开班日期:date! hours:学时:number learners:应训人数:int attended:实训人数:int"
     " passed:考核合格人数:int note:说明:long",
     items="1", group="大安全", write=OFFICE)  # fmt: skip
Form("custom_training", "企业定制化培训",
     "topic:培训内容! committee:牵头专委会或部门:unit kind:类别:强基础扫盲区|重点岗位|三项岗位人员|其他! held_on:培训日期:date! firms:参训企业数:int"
     " people:参训人数:int note:说明:long",
     items="2", group="大安全", write=OFFICE)  # fmt: skip
Form("first_lesson", "安全第一课",
     "committee:专委会:unit! quarter:季度:一季度|二季度|三季度|四季度! held_on:开课日期:date! topic:主题! firms:参加企业数:int"
     " people:参加人数:int",
     items="2", group="大安全", write=OFFICE)  # fmt: skip
Form("start_lesson", "开工第一课",
     "firm:企业名称! teacher:讲授人(主要负责人)! held_on:日期:date! people:参加人数:int proof:签到或影像编号",
     items="3", group="大安全", write=f"{OFFICE} district_duty town_duty")  # fmt: skip
Form("broadcast", "云上直播",
     "topic:主题! trade:领域:危化品|非煤矿山|海上安全|建筑施工|其他! aired_on:直播日期:date! viewers:观看人次:int",
     items="3", group="大安全", write=OFFICE)  # fmt: skip
Form("three_levels", "三级安全教育检查",
     "firm:企业名称! checked_on:检查日期:date! plant:厂级教育落实:yes shop:车间级教育落实:yes team:班组级教育落实:yes fault:问题:long",
     items="3", group="大安全", write=f"{OFFICE} inspector district_duty town_duty")  # fmt: skip

Indicator("training.lessons", "开展“安全第一课”的专委会", "first_lesson", unit="个", when="held_on", measure=("distinct", "committee"), turn="安全第一课",
          definition="期内开展过安全第一课的专委会数(同一专委会计一次)")  # fmt: skip
