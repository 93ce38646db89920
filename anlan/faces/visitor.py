"""Who holds an open stream: the same scope that the gate gives a page."""

from __future__ import annotations

import re

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from anlan.kernel.people import scope
from anlan.kernel.worlds.models import ACTUAL, World

from . import gate

WORLD = re.compile(r"^/w/(\d{1,9})/")


def scope_of_stream(path: str, session_key: str) -> scope.Scope | None:
    """The scope of a stream's reader in the world that its path names; None when it may not look."""
    found = WORLD.match(path)
    world = World.objects.filter(pk=int(found[1]) if found else ACTUAL).first()
    if world is None:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key or None)
    return gate.scope_for(get_user(request), world)
