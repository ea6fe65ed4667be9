"""A crawl on several machines: what waits and what was found travels through Redis or Valkey.

findings.db stays the truth and has one writer. Redis holds what the writer has given out: lost
whole, it is filled again from the database.
"""
