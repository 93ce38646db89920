from anlan.kernel.forms import Form

OFFICE = "office office_head"

Form("maker", "应急物资生产企业名录",
     "firm:企业名称! goods:产品! capacity:日产能 contact:联系人 phone:联系电话 signed:已签协议:yes",
     items="38", group="大应急", write=f"{OFFICE} district_duty")  # fmt: skip
Form("stock_check", "应急物资储备核查",
     "store:储备库! kind:类别:防汛抗旱|森林防灭火|危化品救援|地质地震|生活救助! checked_on:核查日期:date! needed:应储数量:int! kept:实储数量:int!"
     " note:补充情况:long",
     items="38", group="大应急", write=f"{OFFICE} district_duty")  # fmt: skip
Form("relief", "快速救助",
     "event:灾害事件! person:救助对象! kind:方式:小额快付|大额预付|紧急费用垫付|民生综合保险理赔! amount:金额(元):number! reported_at:报灾时间:time!"
     " text:情况:long",
     items="39", group="大应急", way="approval", write=f"{OFFICE} district_duty town_duty", decides="office_head district_duty",
     prefix="救助")  # fmt: skip
Form("relief_rating", "救助服务绩效评价",
     "agency:服务机构! quarter:评价期! speed:时效:points(40) accuracy:理赔准确:points(30) content:群众满意:points(30)"
     " note:说明:long",
     items="39", group="大应急", write=OFFICE)  # fmt: skip
