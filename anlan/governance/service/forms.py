from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"
GROUP = "党建与内控"

Form("service_item", "政务服务事项",
     "name:事项名称! kind:类别:行政许可|行政确认|公共服务|其他! law:设定依据! unit:承办处室:unit! days:承诺办结工作日:int! guide:办事指南:long!"
     " claimed_on:认领日期:date",
     items="43", group=GROUP, write="office office_head")  # fmt: skip
Form("application", "办件",
     "name:事项名称! applicant:申请人! kind:办理方式:秒批|告知承诺|一般程序! promised_by:承诺办结时间:time! lacking:容缺材料:long",
     items="43", group=GROUP, way="task", write=OFFICE, decides="office_head", within="promised_by",
     basis="行政许可法第八十二条(按工作日计算)及本机关公布的承诺时限", raises="office_head", prefix="办件")  # fmt: skip
Form("service_measure", "服务措施记录",
     "measure:措施:预约服务|延时服务|上门帮办|绿色通道|专家指导|容缺受理|告知提醒! applicant:服务对象! served_on:日期:date! text:情况:long"
     " satisfied:满意:yes",
     items="43", group=GROUP, write=OFFICE)  # fmt: skip
Form("complaint", "投诉",
     "about:投诉事项! party:投诉人 received_on:受理日期:date! upheld:属实:yes unit:被投诉处室:unit! text:情况:long! due_on:答复期限:time",
     items="43", group=GROUP, way="task", write=OFFICE, decides="office_head leader", within="due_on", basis="受理时告知投诉人的答复期限",
     raises="office_head", prefix="投诉")  # fmt: skip

Indicator("zero.complaints", "属实投诉", "complaint", {"upheld": True, "state": ["open", "handed_in", "done"]}, unit="件",
          when="received_on", zero="群众和服务对象零投诉",
          definition="期内受理且属实的投诉数,已撤销的不计")  # fmt: skip
