"""The duty room's telephones: each call is kept once; one that nobody picked up waits until somebody calls back."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.db import IntegrityError, transaction

from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import after, move, open_case
from anlan.kernel.people import scope

from .flows import PHONE_CALL
from .models import PhoneCall

MINUTE = timedelta(minutes=1)
"""Machines and people write the time of a call to the second or to the minute."""


def do_log(call: PhoneCall) -> PhoneCall:
    """Keep a call, typed at the desk or sent by the exchange; the exchange's own number of it is kept once."""
    if call.serial and (known := PhoneCall.objects.filter(serial=call.serial).first()):
        return known
    missed = call.way == PhoneCall.Way.IN and not call.answered
    try:
        with transaction.atomic():
            open_case(call, state="missed" if missed else "logged")
            if call.answered and call.number:
                _close_missed(call)
    except IntegrityError:  # the exchange sent it twice at the same moment
        if call.serial and (known := PhoneCall.objects.filter(serial=call.serial).first()):
            return known
        raise
    return call


def _close_missed(call: PhoneCall) -> None:
    """Whom this watch has spoken to it need not call back any more; another area's watch still has to."""
    earlier = PhoneCall.objects.filter(state="missed", number=call.number, area_id=call.area_id, at__lt=call.at + MINUTE)
    for missed in earlier:
        with suppress(Refused):  # a colleague has just closed it
            move(missed, "back", result=f"{call.get_way_display()}已接通")


@after(PHONE_CALL, "back")
def on_back(call: PhoneCall) -> None:
    call.returned_by = scope.current().name[:40]
    call.save(update_fields=["returned_by"])
