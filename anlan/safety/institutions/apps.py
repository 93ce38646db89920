from django.apps import AppConfig


class InstitutionsConfig(AppConfig):
    name = "anlan.safety.institutions"
    label = "institutions"
    verbose_name = "制度执行(第4—6项)"
