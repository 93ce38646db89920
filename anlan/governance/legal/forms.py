from anlan.kernel.forms import Form

OFFICE = "office office_head"
GROUP = "党建与内控"

Form("review", "法制审核",
     "title:名称! kind:类别:重大执法决定|对外经济合同|规范性文件|重要议题|重大事项! unit:送审处室:unit! sent_on:送审日期:date! text:送审内容:long!",
     items="42", group=GROUP, way="approval", write=OFFICE, decides="legal", prefix="法审")  # fmt: skip
