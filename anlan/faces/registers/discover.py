"""Reading the declarations of every room."""

from importlib import import_module, util

from django.apps import apps
from django.conf import settings

from anlan.kernel.files import pages as files
from anlan.kernel.files.models import Attachment
from anlan.kernel.indicators.declared import INDICATORS
from anlan.kernel.live import feed
from anlan.kernel.registers import ALL
from anlan.kernel.registers.register import href_of

FILES = ("registers", "forms", "flows", "duties", "acts")


def autodiscover() -> None:
    """Import what the installed rooms declare, then check what names something declared elsewhere."""
    from . import own  # noqa: F401  the kernel's own duty and registers

    for app in apps.get_app_configs():
        ours = app.name.startswith("anlan.") or app.name in settings.ROOMS
        if ours and app.name != "anlan.faces.registers":
            for file in FILES:
                if util.find_spec(f"{app.name}.{file}"):
                    import_module(f"{app.name}.{file}")
    for number in INDICATORS.values():
        number.check()
    if href_of not in feed.HREF:
        feed.HREF.append(href_of)
        files.GUARDS.append(may_open)


def may_open(file: Attachment) -> bool | None:
    """May the asker open the record that a file belongs to? None when no register shows it."""
    register = next((r for r in ALL.values() if r.model._meta.label_lower == file.subject_type), None)
    return register and bool(register.visible() and register.seen().filter(pk=file.subject_id).exists())
