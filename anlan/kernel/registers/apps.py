from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "anlan.kernel.registers"
    label = "registers"
    verbose_name = "台账"

    def ready(self) -> None:
        from .discover import autodiscover

        autodiscover()
