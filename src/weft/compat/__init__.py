"""Existing code on weft: the vocabulary of other releases and of other packages of this programming model."""
