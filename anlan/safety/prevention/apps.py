from django.apps import AppConfig


class PreventionConfig(AppConfig):
    name = "anlan.safety.prevention"
    label = "prevention"
    verbose_name = "企业本质安全(第7—8项)"
