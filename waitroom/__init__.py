"""The waiting room: lets visitors in, wakes their upstream, shows the page, hands over.

web > wake | gate > config > document | upstreams (connect > docker | command > base) > hosts:
each layer knows only those to its right. `import-linter` holds this (pyproject.toml).
"""
