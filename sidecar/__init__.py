"""The watcher beside Traefik: reads its log, records, decides, puts to sleep.

__main__  the program
commands  commands and environment
daemon    the one loop: look, read, commit, decide
looks     when there may be something to read
tail      reads a log, each line once, through log/
record    activity.json
sleeping  who is put to sleep, and how
audits    what the record says, for people
ingest    reads all that is in the logs now, once
metrics   /metrics: what all these know, for Prometheus
webhooks  events, sent on to others
posting   how one is sent
schema    the JSON Schema of activity.json
"""
