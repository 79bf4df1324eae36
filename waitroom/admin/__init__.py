"""The admin listener, for operators and health checks, and the commands that speak to it.

listener    its parts put together
guard       who is let in
operators   names, roles and tokens
sessions    of browsers that have logged in
assertions  the signed word of a command
dashboard   all hosts in a table, a page for each, and events
table       what stands in the table
timeline    the chart of awake and asleep (pure)
bars        the charts of requests and wake times (pure)
periods     a day, a week, a quarter (pure)
phrases     moments, spans, money and events in words (pure)
actions     wake, sleep, keep and release over HTTP
orders      what becomes of them
metrics     /metrics
operating   the commands
client      how they speak to the waiting room that runs
clocks      until when, as an operator writes it
"""
