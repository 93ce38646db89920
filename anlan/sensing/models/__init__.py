"""Tables of the network: stations, rules, the log of what was read, alarms, warnings."""

from .alarms import Alarm, Burst
from .log import Basis, Batch, Ledger, Sent, Snapshot, Traffic
from .rules import LEVELS, Rule, StageLimit
from .stations import Bearer, Broker, Edition, Gateway, Reader, Sensor, Station
from .warnings import Message, Warning

__all__ = [
    "LEVELS", "Alarm", "Basis", "Batch", "Bearer", "Broker", "Burst", "Edition", "Gateway", "Ledger", "Message", "Reader", "Rule", "Sensor", "Sent",
    "Snapshot", "StageLimit", "Station", "Traffic", "Warning",
]  # fmt: skip
