"""Tables of the network: stations, rules, the log of what was read, alarms, warnings."""

from .alarms import Alarm, Burst
from .log import Basis, Batch, Ledger, Sent, Snapshot, Traffic
from .rules import LEVELS, Rule, StageLimit
from .stations import Edition, Gateway, Sensor, Station
from .warnings import Warning

__all__ = [
    "LEVELS", "Alarm", "Basis", "Batch", "Burst", "Edition", "Gateway", "Ledger", "Rule", "Sensor", "Sent", "Snapshot", "StageLimit",
    "Station", "Traffic", "Warning",
]  # fmt: skip
