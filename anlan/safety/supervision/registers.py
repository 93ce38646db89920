from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import READERS
from anlan.kernel.registers import Register

from .models import Enterprise

Register(
    Enterprise,
    columns="name trade level staff keeper phone area synthetic",
    filters="trade level area",
    search="name keeper",
    point="lon lat",
    masked="phone",
    family="重点防护目标",
    group="大安全",
    see=READERS,
    write="duty_lead district_duty inspector",
)

Indicator("supervision.enterprises", "在册企业", "enterprise", unit="家", definition="登记在册、纳入监管的企业数")
Indicator("supervision.red", "重大风险企业", "enterprise", {"level": 1}, unit="家", definition="风险等级为重大风险(红)的在册企业数")
