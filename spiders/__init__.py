"""The Scrapy spiders; all that they decide is decided by pure functions in `crawler`."""
