from django.urls import path

from . import pages

app_name = "files"
urlpatterns = [path("<int:pk>/", pages.one, name="one")]
