from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

Form("flood_model", "防汛“双十示范”创建",
     "name:镇街或村社区名称! kind:类别:样板镇(街道)|样板村(社区)! due_on:计划验收时间:time! reached:“七有”“六有”落实情况:long!",
     items="21", group="大减灾", way="task", write="office office_head flood_office district_duty", decides="office_head leader", within="due_on",
     basis="“双十示范工程”工作方案确定的验收时间", raises="office_head", prefix="双十示范")  # fmt: skip
Form("preseason_check", "汛前检查",
     "ring:层次:单位自查|重点行业检查|防指综合检查! unit:被检查单位:unit! checked_on:检查日期:date! finding:发现问题:long! due_on:整改期限:time!",
     items="22", group="大减灾", way="task", write="office office_head flood_office district_duty town_duty",
     decides="office_head flood_office district_duty", within="due_on", basis="汛前检查问题整改通知载明的期限", raises="flood_office",
     prefix="汛前检查")  # fmt: skip

Indicator("flood.model_towns", "防汛样板镇(街道)", "flood_model", {"kind": "样板镇(街道)", "state": "done"}, unit="个", when="closed_at",
          aim="*基层防汛能力建设样板镇", definition="期内验收通过的基层防汛能力建设样板镇(街道)数")  # fmt: skip
Indicator("flood.model_villages", "防汛样板村(社区)", "flood_model", {"kind": "样板村(社区)", "state": "done"}, unit="个", when="closed_at",
          aim="*样板村", definition="期内验收通过的样板村(社区)数")  # fmt: skip
