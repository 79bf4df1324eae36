"""What visitors read, in their language.

words       what is told about a host in each state
sentences   of what sentences
catalogues  the gettext catalogues in locale/
languages   which there are
"""
