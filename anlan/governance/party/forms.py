from anlan.kernel.forms import Form

OFFICE = "office office_head"
GROUP = "党建与内控"

Form("study", "理论学习中心组学习",
     "topic:学习内容! held_on:日期:date! kind:形式:集体学习|列席旁听|支部跟学! people:参加人数:int minutes:纪要:long!",
     items="40", group=GROUP, write=OFFICE)  # fmt: skip
Form("branch_life", "支部组织生活",
     "branch:支部! kind:类别:支部党员大会|支部委员会|党小组会|党课|主题党日|组织生活会|民主评议! held_on:日期:date! due:应到人数:int! came:实到人数:int!"
     " text:内容:long",
     items="40", group=GROUP, write=OFFICE)  # fmt: skip
Form("branch_stars", "支部评星",
     "branch:支部! year:年度:int! organisation:组织建设:points(30) life:组织生活:points(30) work:作用发挥:points(40)"
     " stars:拟评星级:一星|二星|三星|四星|五星",
     items="40", group=GROUP, way="approval", write="office office_head", decides="leader", prefix="支部评星")  # fmt: skip
