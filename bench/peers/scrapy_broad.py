"""A plain Scrapy broad crawl with LinkExtractor, as Scrapy's documentation advises it."""

import json
import sys
from pathlib import Path

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor

given = json.loads(Path(sys.argv[1]).read_text("utf-8"))


class Broad(scrapy.Spider):
    name = "broad"
    start_urls = given["seeds"]
    extractor = LinkExtractor()

    def parse(self, response):
        for link in self.extractor.extract_links(response):
            if link.url.startswith("http://127."):
                yield scrapy.Request(link.url)


process = CrawlerProcess(
    {
        "SCHEDULER_PRIORITY_QUEUE": "scrapy.pqueues.DownloaderAwarePriorityQueue",
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "DOWNLOAD_DELAY": 0,
        "LOG_LEVEL": "ERROR",
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        "CLOSESPIDER_PAGECOUNT": given["pages"],
    }
)
crawler = process.create_crawler(Broad)
process.crawl(crawler)
process.start()
print("\n" + json.dumps({"pages": crawler.stats.get_value("response_received_count", 0)}))
