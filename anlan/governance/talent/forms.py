from anlan.kernel.forms import Form

GROUP = "党建与内控"

Form("staff_file", "干部档案要目",
     "person:姓名! unit:所在处室:unit! born_on:出生日期:date post:现任职务! since_on:任职日期:date training:培养情况:long",
     items="45", group=GROUP, write="personnel", see="personnel leader", city=True)  # fmt: skip
Form("young_talk", "年轻干部研究谋划",
     "period:期次! held_on:日期:date! text:研究意见:long!",
     items="45", group=GROUP, write="personnel", see="personnel leader", city=True)  # fmt: skip
Form("appraisal", "差异化内部考核",
     "person:姓名! unit:所在处室:unit! period:考核期! deed:实绩:points(60) duty:履职:points(20) conduct:作风:points(20)"
     " note:评语:long",
     items="45", group=GROUP, way="approval", write="personnel office_head", decides="leader",
     see="personnel leader office_head", city=True, prefix="考核")  # fmt: skip
