"""Forest fire (items 18-20). 森林防火条例."""
