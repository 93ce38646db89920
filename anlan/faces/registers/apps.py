from importlib import import_module

from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "anlan.faces.registers"
    label = "registers"
    verbose_name = "台账"

    def ready(self) -> None:
        import_module(f"{self.name}.discover").autodiscover()
