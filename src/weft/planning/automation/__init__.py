"""Automation: which assets, checks and jobs their conditions request, decided without effects."""
