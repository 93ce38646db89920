from anlan.kernel.forms import Form

OFFICE = "office office_head"

Form("forest_sponsor", "森防包保督导",
     "member:成员单位:unit! place:包保林区! visited_on:督导日期:date! way_of:方式:四不两直|明察暗访|常规督导! finding:发现问题:long"
     " settled:是否整改:yes",
     items="19", group="大减灾", write=f"{OFFICE} district_duty")  # fmt: skip
Form("forest_hazard", "森林火灾隐患",
     "place:位置! kind:类别:野外火源|输配电设施|林下可燃物|其他! found_on:发现日期:date! due_on:整改期限:time! text:情况:long",
     items="19", group="大减灾", way="task", write=f"{OFFICE} district_duty town_duty", decides="office_head district_duty",
     within="due_on", basis="隐患整改通知载明的期限", raises="district_duty office_head")  # fmt: skip
Form("forest_works", "森防基础设施",
     "name:名称! kind:类别:水管网|塘坝|蓄水池|专业队营房|其他! built_on:建成日期:date capacity:规模",
     items="20", group="大减灾", write=f"{OFFICE} district_duty")  # fmt: skip
