// A crawl with crawlee for Node: CheerioCrawler, enqueueLinks, its own queue in memory.
import { readFileSync } from 'node:fs';

const given = JSON.parse(readFileSync(process.argv[2], 'utf-8'));
const { CheerioCrawler, Configuration, log } = await import('crawlee');
log.setLevel(log.LEVELS.OFF);
let pages = 0;
let problem = '';
const crawler = new CheerioCrawler(
  {
    maxRequestsPerCrawl: given.pages,
    maxRequestRetries: 0,
    minConcurrency: 32,
    maxConcurrency: 64,
    useSessionPool: false,
    persistCookiesPerSession: false,
    async requestHandler({ enqueueLinks }) {
      pages += 1;
      await enqueueLinks({ strategy: 'all', regexps: [/^http:\/\/127\./] });
    },
    failedRequestHandler({ request }) {
      problem = problem || String(request.errorMessages);
    },
  },
  new Configuration({ persistStorage: false, availableMemoryRatio: 0.5 }),
);
await crawler.run(given.seeds);
if (!pages) throw new Error(problem);
console.log(`\n${JSON.stringify({ pages })}`);
process.exit(0);
