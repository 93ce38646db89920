from anlan.kernel.forms import Form

GROUP = "党建与内控"
FEW = "discipline leader"

Form("integrity_file", "廉政档案",
     "person:姓名! unit:所在处室:unit! filed_on:建档日期:date! text:内容:long!",
     items="41", group=GROUP, write="discipline", see=FEW, city=True)  # fmt: skip
Form("integrity_visit", "廉政回访",
     "person:回访对象! visited_on:日期:date! text:情况:long!",
     items="41", group=GROUP, write="discipline", see=FEW, city=True)  # fmt: skip
Form("integrity_risk", "廉政风险点",
     "post:岗位或环节! field:领域:行政执法|安全监管|行政审批|培训考试|采购|其他! level:等级:高|中|低! guard:防控措施:long! checked_on:排查日期:date!",
     items="41", group=GROUP, write="discipline office_head", see=f"{FEW} office_head", city=True)  # fmt: skip
Form("inner_inspection", "内部专项督察",
     "field:领域:行政执法|安全监管|行政审批|培训考试! unit:被督察处室:unit! found_on:日期:date! finding:发现问题:long! due_on:整改期限:time!",
     items="41", group=GROUP, way="task", write="discipline office_head", decides="discipline leader", within="due_on",
     basis="督察意见书载明的整改期限", raises="leader", see=f"{FEW} office_head", city=True, prefix="督察")  # fmt: skip
Form("political_sheet", "政治监督活页",
     "matter:监督事项! source:上级部署! unit:责任处室:unit! due_on:完成时限:time! text:要求:long!",
     items="41", group=GROUP, way="task", write="office office_head discipline", decides="discipline leader", within="due_on",
     basis="上级部署或监督方案确定的时限", raises="leader", prefix="监督")  # fmt: skip
