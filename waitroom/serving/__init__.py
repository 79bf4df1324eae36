"""How both listeners are served: by gunicorn, with a loop of its own for each.

worker   the process: two loops, and what each may use
loop     where connections are while they hold no thread
handling a request in its thread
heads    of requests, before they are parsed
headers  of which no more is read than anybody honest writes
bodies   request bodies, read quickly or not at all
refusals what is answered to bytes that are no request
"""
