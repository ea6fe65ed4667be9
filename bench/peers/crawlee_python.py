"""A crawl with crawlee for Python: BeautifulSoupCrawler, enqueue_links, its own queue in memory."""

import asyncio
import json
import re
import sys
from pathlib import Path

from crawlee import ConcurrencySettings
from crawlee.crawlers import BeautifulSoupCrawler, BeautifulSoupCrawlingContext
from crawlee.storage_clients import MemoryStorageClient

given = json.loads(Path(sys.argv[1]).read_text("utf-8"))


async def main():
    pages = 0
    crawler = BeautifulSoupCrawler(
        storage_client=MemoryStorageClient(),
        max_requests_per_crawl=given["pages"],
        max_request_retries=0,
        use_session_pool=False,
        configure_logging=False,
        concurrency_settings=ConcurrencySettings(
            min_concurrency=32, desired_concurrency=64, max_concurrency=64
        ),
    )

    @crawler.router.default_handler
    async def handle(context: BeautifulSoupCrawlingContext) -> None:
        nonlocal pages
        pages += 1
        await context.enqueue_links(strategy="all", include=[re.compile(r"^http://127\.")])

    await crawler.run(given["seeds"])
    print("\n" + json.dumps({"pages": pages}))


asyncio.run(main())
