from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "anlan.kernel.places"
    label = "places"
    verbose_name = "空间"
