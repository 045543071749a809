"""weft"""
