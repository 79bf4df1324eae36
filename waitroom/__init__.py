"""The waiting room: lets visitors in, wakes their upstream, shows the page, hands over.

web > wake | gate > config | upstreams (connect > docker | command > base) > hosts > errors:
each layer knows only those to its right. `import-linter` holds this (pyproject.toml).
"""
