"""The official plan is taken in, and each of its items is lived by the people whose duty it is, on the pages that they use."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from anlan.faces import gate
from anlan.kernel.clock import real, travelled
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit
from anlan.kernel.registers import find
from anlan.workplan import lights, take
from tests.kernel import city

PAPER = Path(__file__).parents[1] / "engines" / "plans" / "plan-2023.txt"
UNIT = "3702.yj.fgc"
TODAY = datetime(2023, 6, 15, 9)
"""The day on which the duties are lived, within the plan's year."""


def faults(answer):
    """What a page says is wrong, and where."""
    return answer.status_code, re.findall(r'name="([^"]+)"[^>]*aria-invalid|role="alert">([^<]+)', answer.content.decode())


class Bureau:
    """The people of the bureau at their pages. Each role signs in once."""

    def __init__(self):
        self.browsers = {}

    def as_(self, role, at=scope.ROOT):
        if (role, at) not in self.browsers:
            name = f"{role}{at}"
            client = Client()
            client.force_login(city.person(role, role, at, UNIT if at == scope.ROOT else f"{at[:6]}.yj", user=name).user)
            self.browsers[role, at] = client
        return self.browsers[role, at]

    def fill(self, form, by="office", at=scope.ROOT, **given):
        """A row through the form's page; its key."""
        sent = self.as_(by, at).post(f"/r/{form}/new/", {"area": at, **given})
        assert sent.status_code == 302, faults(sent)
        return sent.url.rstrip("/").rpartition("/")[2]

    def step(self, form, pk, step, by, at=scope.ROOT, **given):
        return self.as_(by, at).post(f"/r/{form}/{pk}/move/{step}/", {f"{step}-{name}": value for name, value in given.items()})

    def take(self, form, pk, step, by, at=scope.ROOT, **given):
        """A move that must succeed."""
        sent = self.step(form, pk, step, by, at, **given)
        assert sent.status_code == 302, faults(sent)

    def done(self, form, by="office", decides="office_head", **given):
        """A task from its opening to its acceptance."""
        pk = self.fill(form, by, **given)
        self.take(form, pk, "hand_in", by, outcome="已办理")
        assert self.step(form, pk, "accept", by).status_code in (302, 409) and self.state(form, pk) == "handed_in"
        self.take(form, pk, "accept", decides)
        return pk

    def approved(self, form, by="office", decides="office_head", **given):
        pk = self.fill(form, by, **given)
        self.take(form, pk, "approve", decides)
        return pk

    def issued(self, title, **given):
        """A paper from its draft through the legal review to its issue; without the review there is no way."""
        pk = self.fill("instrument", title=title, kind="管理办法", owner=UNIT, due_on="2023-12-31T17:00", **given)
        assert self.step("instrument", pk, "issue", "office", outcome="直接印发").status_code == 409
        self.take("instrument", pk, "send_in", "office", outcome="草案送审")
        self.take("instrument", pk, "pass_it", "legal", opinion="合法")
        self.take("instrument", pk, "issue", "office", outcome="已印发")
        return pk

    def state(self, form, pk):
        return find(form).model.objects.get(pk=pk).state

    def page(self, path, by="leader", at=scope.ROOT):
        answer = self.as_(by, at).get(path)
        assert answer.status_code == 200, path
        return answer.content.decode()

    def finds(self, form, word, by="office", at=scope.ROOT):
        """Is the row in the list that this person sees?"""
        return word in self.page(f"/r/{form}/?q={word}", by, at).partition("<tbody")[2]

    def serves(self, no, *forms):
        """The item's own page leads to its registers."""
        item = next(iter(lights.items_of(lights.plan_in_force(), no=no)))
        books = self.page(f"/desk/workplan/{item.pk}/").partition("<h3>工作台账")[2].partition("</p>")[0]
        return all(f'href="/r/{form}/"' in books for form in forms)

    def stands(self, no, raw):
        """How far a target of an item is, as the plan's page shows it."""
        item = next(iter(lights.items_of(lights.plan_in_force(), no=no)))
        return next(p.reached for p in item.progress if p.aim.raw == raw)


@pytest.fixture
def bureau(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gate.forget()
    world = city.build()
    Unit(code=UNIT, name="政策法规处", short="政策法规处", kind="内设", area_id=scope.ROOT, parent_id="3702.yj").save()
    with scope.everyone(world), travelled(timezone.make_aware(TODAY) - real()):
        source = PAPER.read_text(encoding="utf-8")
        take.do_take(source, take.check_take(source))
        yield Bureau()
