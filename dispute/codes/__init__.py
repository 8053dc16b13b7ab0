"""Code lists that bridges and intake share.

Division codes with their validity, the setting of a county's own file, and how old lists are.
"""
