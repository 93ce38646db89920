from anlan.kernel.people.roles import READERS
from anlan.kernel.registers import Indicator, Register

from .models import Intake, PhoneReport, Shift, WrittenReport

Register(Shift, columns="post person since until note area", filters="post", order="-since", group="大应急", see=READERS)
Register(
    Intake,
    columns="received_at way summary place caller caller_phone accident area recorder",
    filters="way accident area",
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

Indicator("duty.reports", "待电话报告", "phonereport", {"state": "waiting"}, unit="件", definition="已接报、尚未按时限电话报告省级的事故数")
Indicator("duty.intakes", "接报", "intake", {}, unit="件", definition="值班室收到的电话、现场(含零报告)、监测和文电信息数")
