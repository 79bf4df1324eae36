"""The pages that visitors see.

page     the waiting page in every state
board    a chess puzzle
looks    the templates, an operator's own before ours
preview  every state, for those who write `page:`
samples  what it is shown with
"""
