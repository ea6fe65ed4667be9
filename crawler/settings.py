"""Scrapy settings, also what `scrapy crawl` uses in a checkout.

What is switched off is done elsewhere: redirects and refreshes are edges of the trail, cookies
and proxies stay out, duplicates and order are the frontier's, limits the download handler's.
"""

BOT_NAME = "scamtrail"
SPIDER_MODULES = ["spiders"]
NEWSPIDER_MODULE = "spiders"

TWISTED_REACTOR_ENABLED = False
SCHEDULER = "crawler.frontier.FrontierScheduler"
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
ITEM_PIPELINES = {"crawler.frontier.StorePipeline": 100}
DOWNLOAD_HANDLERS = {
    "http": "crawler.net.handler.GuardedDownloadHandler",
    "https": "crawler.net.handler.GuardedDownloadHandler",
    # Nothing but the web leaves the parser.
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
DOWNLOADER_MIDDLEWARES = {
    f"scrapy.downloadermiddlewares.{name}": None
    for name in (
        "offsite.OffsiteMiddleware",
        "robotstxt.RobotsTxtMiddleware",
        "httpauth.HttpAuthMiddleware",
        "downloadtimeout.DownloadTimeoutMiddleware",
        "defaultheaders.DefaultHeadersMiddleware",
        "useragent.UserAgentMiddleware",
        "redirect.MetaRefreshMiddleware",
        "httpcompression.HttpCompressionMiddleware",
        "redirect.RedirectMiddleware",
        "cookies.CookiesMiddleware",
        "httpproxy.HttpProxyMiddleware",
        "httpcache.HttpCacheMiddleware",
    )
}
RETRY_TIMES = 1
RETRY_HTTP_CODES = [500, 502, 503, 504, 429]
RETRY_EXCEPTIONS = ["crawler.net.handler.TransientFailure"]
HTTPERROR_ALLOW_ALL = True
COOKIES_ENABLED = False
REFERER_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 0
URLLENGTH_LIMIT = 2_000
DEPTH_STATS_VERBOSE = False
MEMUSAGE_ENABLED = False
LOG_LEVEL = "INFO"
STATS_DUMP = True
