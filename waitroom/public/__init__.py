"""The public listener: what Traefik leads here.

web       its routes
visits    who comes
wakes     who asks for a wake
reception what a visitor can have of a host just now
door      what a request may do about waking its host, and what it has to show for it
asked     what a request says, read carefully
answers   what is answered about a host
forms     as page, problem or line of text; compressed
turns     a route that turns while its visitor waits
holding   clients that rather wait than come again
kept      what thousands ask for at once
"""
