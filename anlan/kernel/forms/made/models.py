"""The tables of forms; their models are compiled from the declarations (``forms.form``)."""
