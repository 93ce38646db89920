"""What one of several processes does at a time: it signs a row for a while, and renews it; who dies lets go."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q

from .time import real

HOLDER = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
"""This process, as it signs."""


def hold(row: models.Model, holder: str, until: str, span: timedelta, me: str = HOLDER) -> bool:
    """Take or renew what a row lends, by its two fields of who holds it and until when; False while another does."""
    moment, there = real(), getattr(row, holder)
    free = Q(**{holder: ""}) | Q(**{holder: me}) | Q(**{until: None}) | Q(**{f"{until}__lt": moment})
    if there and dead(there):
        free |= Q(**{holder: there})
    rows = type(row)._base_manager.filter(free, pk=row.pk)
    return rows.update(**{holder: me, until: moment + span}) == 1


def dead(holder: str) -> bool:
    """Has who signed so ended on this host? Of other hosts nobody here can tell."""
    host, pid, _ = [*holder.split(":"), "", ""][:3]
    return host == socket.gethostname() and pid.isdigit() and not alive(int(pid))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
