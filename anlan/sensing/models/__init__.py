"""Tables of the network: stations, rules, the log of what was read, alarms, warnings."""

from .alarms import Alarm, Burst
from .log import Basis, Batch, Ledger, Sent, Snapshot, Traffic
from .rules import LEVELS, Rule, StageLimit
from .stations import Broker, Edition, Gateway, Sensor, Station
from .warnings import Message, Warning

__all__ = [
    "LEVELS", "Alarm", "Basis", "Batch", "Broker", "Burst", "Edition", "Gateway", "Ledger", "Message", "Rule", "Sensor", "Sent", "Snapshot", "StageLimit",
    "Station", "Traffic", "Warning",
]  # fmt: skip
