"""The waiting room: lets visitors in, wakes their upstream, shows the page, hands over.

A request:    public, or admin for operators > room
A wake:       room > waking > upstreams; then the route goes back
Who may:      gate
What is seen: pages, in a language; view is what all of them tell
The file:     registry, with the labels of containers
Put together: parts, then server with both listeners
Upkeep:       upkeep (route files), found_stopped, announcing (containers)
Faults:       health (what probes ask), check (all that can be found)
The record:   record, what the sidecar has written, read beside it
On disk:      journal, locks, secret; heartbeat is the sidecar's
At the start: preflight (folders, addresses)
For both:     idle and signs (the idle question), kinds (of events), stamps (of files), direct,
              scrape, logs, errors; strict_yaml and yaml_faults, for labels and registry

Each knows only what is below it; `import-linter` holds the order (pyproject.toml).
"""
