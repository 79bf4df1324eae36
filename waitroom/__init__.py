"""The waiting room: lets visitors in, wakes their upstream, shows the page, hands over.

A request:    web | admin > answers > asked, door > room
A wake:       room > wake > grants (budgets) > bring_up > upstreams, probe; then the route goes back
Who may:      gate, challenges (proof_of_work, game > chess, time), traps, visitors
What is seen: page, board, words, looks, branding; view is what all of them tell
Upkeep:       upkeep (route files), openings (windows), discovery (containers)
Operators:    operating (commands), guard, actions > orders, dashboard > recorded
The file:     config > document > hosts, windows, page_keys, labels

Each knows only what is below it; `import-linter` holds the order (pyproject.toml).
"""
