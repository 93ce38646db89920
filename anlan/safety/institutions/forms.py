from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"

Form("instrument", "文件制定",
     "title:文件名称! kind:类别:地方性法规|规范性文件|管理办法|工作方案|指导清单|标准|其他! owner:起草处室:unit! due_on:计划完成时间:time"
     " basis:立项依据:long draft:文稿要点:long",
     items="4 5 6 12 15 16 18 21 24 26 32", group="大安全", way="issue", write=OFFICE, decides="legal leader", within="due_on",
     basis="年度工作要点及文件制定计划确定的完成时间", raises="office_head leader", prefix="拟文")  # fmt: skip
Form("measure_check", "制度措施执行检查",
     "measure:制度或措施:十五条硬措施|八抓20条|市若干措施|责任追究办法|其他! unit:被检查单位:unit! checked_on:检查日期:date!"
     " kind:方式:执法检查|督导检查|安全巡查|事故调查|综合性检查! finding:发现问题:long",
     items="4", group="大安全", write=f"{OFFICE} inspector")  # fmt: skip
Form("blame", "问题隐患整改责任追究",
     "matter:追究事由! unit:责任单位:unit! due_on:整改期限:time! demand:整改要求:long!",
     items="4", group="大安全", way="task", write=OFFICE, decides="office_head leader", within="due_on", basis="整改通知载明的期限",
     raises="office_head leader", city=True)  # fmt: skip
Form("duty_list", "权责清单事项",
     "matter:事项名称! kind:类别:行政许可|行政处罚|行政强制|行政检查|行政确认|其他! law:设定依据! unit:承办处室:unit! changed_on:公布或调整日期:date",
     items="5", group="大安全", write="office office_head legal")  # fmt: skip
Form("law_class", "普法计划清单",
     "topic:普法内容! audience:对象! unit:责任处室:unit! plan_on:计划日期:date! done_on:完成日期:date note:落实情况:long",
     items="5", group="大安全", write=OFFICE)  # fmt: skip
Form("joint_control", "重大风险联防联控",
     "group_name:联防联控组! lead:牵头单位! members:成员单位:long! risk:主要风险:long! signed_on:协议日期:date",
     items="6", group="大安全", write=f"{OFFICE} district_duty")  # fmt: skip
Form("injury_check", "工伤与事故信息核查",
     "batch:核查批次! checked_on:核查日期:date! claims:工伤认定信息数:int! reports:举报信息数:int matched:已报事故数:int!"
     " hidden:查实瞒报漏报数:int note:处理情况:long",
     items="6", group="大安全", write=OFFICE)  # fmt: skip
Form("warning_meeting", "亡人事故现场警示会",
     "accident:事故! held_on:召开日期:date! place:地点! host:组织单位:unit people:参加人数:int firms:参加企业数:int note:通报与要求:long",
     items="6", group="大安全", write=f"{OFFICE} district_duty")  # fmt: skip
Form("accident", "生产安全事故",
     "name:事故名称! happened_at:发生时间:time! grade:等级:一般|较大|重大|特别重大! kind:类别! dead:死亡人数:int! injured:重伤人数:int"
     " loss:直接经济损失(万元):number reported_at:接报时间:time note:经过与处置:long",
     items="6", group="大安全", write=f"{OFFICE} duty_officer duty_lead", prefix="事故")  # fmt: skip

Indicator("zero.accidents", "较大及以上生产安全事故", "accident", {"grade": ["较大", "重大", "特别重大"]}, unit="起", when="happened_at",
          zero="力争不发生较大及以上生产安全事故", definition="期内登记的较大、重大、特别重大生产安全事故起数")  # fmt: skip
