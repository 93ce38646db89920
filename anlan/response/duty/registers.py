from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import READERS
from anlan.kernel.registers import Register

from .flows import WATCH
from .handover import carry
from .models import Handover, Intake, PhoneCall, PhoneReport, Shift, WrittenReport
from .phone import do_log

Register(Shift, columns="post person since until note area", filters="post", order="-since", group="大应急", see=READERS)
Register(
    Intake,
    columns="received_at way summary place caller caller_phone accident area recorder",
    filters="way accident unseen area",
    search="summary place caller",
    order="-id",
    masked="caller_phone",
    group="大应急",
    see=READERS,
)
Register(
    PhoneReport, columns="intake state opened_at due_at overdue told", filters="state overdue", order="-id", group="大应急", see=READERS
)
Register(
    WrittenReport,
    columns="intake issue state opened_at due_at overdue signer",
    filters="state overdue",
    order="-id",
    group="大应急",
    see=READERS,
)
Register(
    PhoneCall,
    columns="at way answered number party about state due_at overdue returned_by closed_at area",
    filters="way answered state overdue at area",
    search="party about number",
    order="-at",
    masked="number",
    group="大应急",
    see=READERS,
    opens=WATCH,
    form="area at way answered number party about serial",
    act=do_log,
)
Register(
    Handover,
    columns="opened_at giver state taker closed_at remarks overdue area",
    filters="state overdue opened_at area",
    search="remarks reply giver__name",
    order="-id",
    group="大应急",
    see=READERS,
)

Indicator("duty.reports", "待电话报告", "phonereport", {"state": "waiting"}, unit="件", definition="已接报、尚未按时限电话报告省级的事故数")
Indicator("duty.intakes", "接报", "intake", {}, unit="件", definition="值班室收到的电话、现场(含零报告)、监测和文电信息数")
Indicator("duty.unseen", "待签收上报", "intake", {"unseen": True}, unit="件", definition="现场上报(含零报告)中尚无值班人员签收的件数")
Indicator(
    "duty.missed", "未接待回", "phonecall", {"state": "missed"}, unit="个",
    definition="呼入未接、尚未回电,也未注明不需回电的电话数",
)  # fmt: skip
Indicator("zero.phone", "电话报告超时", "remark", {"case_type": "duty.phonereport"}, unit="件", when="term",
          zero="力争突发事件应急处置不延误、零失误", definition="期内超过法定时限才电话报告的事故数")  # fmt: skip
Indicator("zero.written", "书面报告超时", "remark", {"case_type": "duty.writtenreport"}, unit="件", when="term",
          zero="力争突发事件应急处置不延误、零失误", definition="期内超过法定时限才书面报告的次数")  # fmt: skip

carry("duty.reports", "duty.unseen", "duty.missed")
