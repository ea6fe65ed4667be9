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
    "http": "crawler.render.handler.RenderingDownloadHandler",
    "https": "crawler.render.handler.RenderingDownloadHandler",
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
# Every URL comes from the table and every page gives one item: what these check is already so.
SPIDER_MIDDLEWARES = {
    f"scrapy.spidermiddlewares.{name}": None
    for name in (
        "start.StartSpiderMiddleware",
        "httperror.HttpErrorMiddleware",
        "referer.RefererMiddleware",
        "urllength.UrlLengthMiddleware",
        "depth.DepthMiddleware",
    )
}
# Scrapy starts this many tasks for each response to work through its items; there is one item.
CONCURRENT_ITEMS = 1
RETRY_TIMES = 1
RETRY_HTTP_CODES = [500, 502, 503, 504, 429]
RETRY_EXCEPTIONS = ["crawler.net.handler.TransientFailure"]
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 0
MEMUSAGE_ENABLED = False
LOG_LEVEL = "INFO"
STATS_DUMP = True
