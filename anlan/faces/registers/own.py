"""The kernel's own tables as registers. Whoever keeps people and grants writes here; the records are only read."""

from __future__ import annotations

from django.db import models

from anlan.kernel.carriers.models import Gateway
from anlan.kernel.cases.models import Remark
from anlan.kernel.clock.models import Beat, Due
from anlan.kernel.journal import read
from anlan.kernel.notice.models import Addressee, Attempt, Notice, Receipt
from anlan.kernel.people import ask
from anlan.kernel.people.models import Area, Grant, Holding, Person, Post, Unit
from anlan.kernel.people.roles import COMMAND, READERS, STAFF
from anlan.kernel.registers.register import Register
from anlan.kernel.worlds.models import World

SYSTEM = "系统"
KEEPERS = ("system_keeper", "security_keeper", "audit_keeper")
CALLED = (*READERS, "village_officer", "reservoir_keeper")
ALL_EYES = (*READERS, *KEEPERS)

Register(Area, columns="code name level parent population synthetic", filters="area level synthetic", search="name code",
         point="lon lat", group=SYSTEM, see=ALL_EYES, write=("system_keeper",), order="code", area="code")  # fmt: skip
Register(Unit, columns="name short kind area parent duty_phone", filters="area kind parent", search="name short code",
         group=SYSTEM, see=ALL_EYES, write=("system_keeper",), order="code")  # fmt: skip
Register(Person, columns="name phone unit area synthetic", filters="area unit synthetic", search="name phone",
         group=SYSTEM, see=(*STAFF, "inspector", *KEEPERS), write=("system_keeper",), masked="phone", order="area_id name",
         form="name phone unit area")  # fmt: skip
Register(Post, columns="title role area unit tier", filters="area role tier unit", search="title",
         group=SYSTEM, see=ALL_EYES, write=("system_keeper",), order="area_id role")  # fmt: skip
Register(Holding, columns="post person rank area since until", filters="area rank since until", search="person__name post__title",
         group=SYSTEM, see=ALL_EYES, write=("system_keeper",), order="area_id post_id rank", join="post__area")  # fmt: skip
Register(Grant, columns="person role area unit since until", filters="area role since until", search="person__name",
         group=SYSTEM, see=("security_keeper", "audit_keeper"), order="-since")  # fmt: skip
class Worlds(Register):
    """Of the exercises only those that the asker takes part in."""

    def seen(self) -> models.QuerySet:
        return ask.enterable(super().seen())


Worlds(World, columns="title kind name speed paused ends closed", filters="kind closed", search="title name",
         group=SYSTEM, see=(*COMMAND, *KEEPERS), order="-id", city=True)  # fmt: skip
Register(read.Line, name="journal", columns="at who unit verb text level area",
         filters="area at verb level subject_type subject_id", search="text who verb", group=SYSTEM,
         see=(*STAFF, "audit_keeper"), masked="before after", order="-id")  # fmt: skip
Register(Due, columns="at kind key run_at done_at late dropped tries fault", filters="kind at late dropped", search="kind key",
         group=SYSTEM, see=KEEPERS, order="-at", city=True)  # fmt: skip
Register(Beat, columns="name last good detail silence_s", filters="good", search="name",
         group=SYSTEM, see=KEEPERS, order="name", city=True)  # fmt: skip
Register(Remark, columns="case_label:事项 case_id state_label:超时环节 term basis missed_at", filters="term case_type", search="basis case_type",
         group=SYSTEM, see=COMMAND, order="-missed_at", city=True)  # fmt: skip
Register(Notice, columns="number title kind level issued_at closed_at area", filters="area kind level issued_at",
         search="title text", group="大应急", order="-id", see=CALLED)  # fmt: skip
Register(Addressee, columns="area title name state notice called_at answered_at waited_s answered_by households people",
         filters="area state tier notice waited_s", search="title name", group="大应急", order="-notice_id area_id",
         sums="households people", see=CALLED)  # fmt: skip
Register(Attempt, columns="addressee whom name channel carrier address state planned_at sent_at ended_at rung reason",
         filters="area addressee addressee__notice state whom channel carrier", search="name reason", masked="address", group="大应急", order="-id",
         see=CALLED, join="addressee__area")  # fmt: skip
Register(Receipt, columns="addressee kind at by via text", filters="area addressee kind at", search="text", group="大应急",
         order="-id", see=CALLED, join="addressee__area")  # fmt: skip
Register(Gateway, columns="name title channel carrier address account enabled faults retry_at area", search="name title",
         filters="area channel enabled", masked="account address", group=SYSTEM, see=KEEPERS, order="name")  # fmt: skip
