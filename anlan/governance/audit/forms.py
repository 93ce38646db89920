from anlan.kernel.forms import Form

OFFICE = "office office_head"
GROUP = "党建与内控"

Form("audit_case", "内部审计",
     "object:审计对象:基本建设工程|重大技术改造|预算决算|竣工交付使用! name:项目名称! unit:被审计处室:unit! amount:涉及金额(元):number"
     " finding:审计发现:long! due_on:整改期限:time!",
     items="42", group=GROUP, way="task", write="internal_audit", decides="internal_audit leader", within="due_on",
     basis="审计意见书载明的整改期限", raises="leader", see="internal_audit leader office_head", city=True, prefix="审计")  # fmt: skip
Form("fund_check", "专项资金内控检查",
     "fund:资金名称! unit:使用处室:unit! checked_on:检查日期:date! budget:预算(元):number! spent:支出(元):number!"
     " finding:问题:long",
     items="42", group=GROUP, write="internal_audit", see="internal_audit leader office_head", city=True)  # fmt: skip
Form("purchase", "集中采购",
     "name:采购内容! unit:申请处室:unit! budget:预算金额(元):number! plan:列入采购计划:yes"
     " method:采购方式:公开招标|邀请招标|竞争性谈判|竞争性磋商|询价|单一来源|框架协议 supplier:供应商 amount:成交金额(元):number",
     items="42", group=GROUP, way="chain", write=OFFICE, decides="leader internal_audit", prefix="采购",
     steps="approve:批准并列入预算:已批准:decides contract:签订合同:已签约:write deliver:到货:待验收:write accept:验收:已验收:decides")  # fmt: skip
