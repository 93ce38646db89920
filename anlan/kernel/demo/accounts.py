"""The demo city's accounts: one for each role. Passwords are made here, returned once, and kept only as hashes."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from anlan.kernel.people.models import Grant, Holding, Person
from anlan.kernel.people.roles import ROLES
from anlan.kernel.people.scope import ROOT

from .seed import SINCE

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LAOSHAN, SHAZIKOU, PORT = "370212000000", "370212002000", "370211000000"
OFFICERS = (
    ("leader", ROOT), ("duty_lead", ROOT), ("duty_officer", ROOT), ("flood_office", ROOT), ("district_duty", LAOSHAN),
    ("town_duty", SHAZIKOU), ("office_head", ROOT), ("village_officer", SHAZIKOU[:9] + "901"), ("reservoir_keeper", "370214002000"),
)  # fmt: skip
OTHERS = (
    ("team", LAOSHAN, "370212.jydw", "演示·救援队长", "10080000001"),
    ("enterprise", PORT, "370211.qy01", "演示·安全总监", "10080000002"),
    ("inspector", ROOT, "3702.yj.whc", "演示·执法员", "10080000003"),
    ("office", ROOT, "3702.yj.bgs", "演示·经办员", "10080000007"),
    ("legal", ROOT, "3702.yj.fgc", "演示·法制员", "10080000009"),
    ("discipline", ROOT, "3702.yj.jw", "演示·纪检员", "10080000010"),
    ("internal_audit", ROOT, "3702.yj.cwc", "演示·内审员", "10080000011"),
    ("personnel", ROOT, "3702.yj.rsc", "演示·人事员", "10080000012"),
    ("system_keeper", ROOT, "3702.yj.bgs", "演示·系统员", "10080000004"),
    ("security_keeper", ROOT, "3702.yj.bgs", "演示·安全员", "10080000005"),
    ("audit_keeper", ROOT, "3702.yj.bgs", "演示·审计员", "10080000006"),
)


def password() -> str:
    """Sixteen letters and digits without look-alikes, about 79 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def accounts() -> list[tuple[str, str, str]]:
    """One account for each role: (user name, password, what it is)."""
    holders = [(role, area, _holder(role, area)) for role, area in OFFICERS]
    holders += [(role, area, _newcomer(area, unit, name, phone)) for role, area, unit, name, phone in OTHERS]
    passwords = [password() for _ in holders]
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(make_password, passwords))
    made = []
    for (role, area, person), clear, kept in zip(holders, passwords, hashes, strict=True):
        user = User(username=role, password=kept)
        user.last_login = user.date_joined  # nobody is made to change the password of a demo account
        user.save()
        person.user = user
        person.save(update_fields=["user"])
        Grant.objects.create(person=person, role=role, area_id=area, since=SINCE)
        made.append((role, clear, f"{ROLES[role].label}({person.area}·{person.name})"))
    return made


def _holder(role: str, area: str) -> Person:
    """The A role of the area's first post of this kind."""
    found = Holding.everywhere.filter(post__role=role, post__area_id=area, rank=1).order_by("post_id")
    return found.select_related("person__area")[0].person


def _newcomer(area: str, unit: str, name: str, phone: str) -> Person:
    return Person.everywhere.create(area_id=area, unit_id=unit, name=name, phone=phone, synthetic=True)
