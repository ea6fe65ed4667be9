// Loads a list into AdGuard's engines and says of each name whether it is blocked: as a name, as
// AdGuard Home asks, and as a page, as the browser extension does.
// Standard input: {"list": text, "names": [...]}; output: {"errors", "names", "pages"}.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
const { DnsEngine, Engine, Request, RequestType, RuleStorage, StringRuleList } = await import(
  pathToFileURL(`${folder}/node_modules/@adguard/tsurlfilter/dist/es/index.js`)
);
const { list, names } = JSON.parse(readFileSync(0, 'utf8'));
const engine = Engine.createSync({ filters: [{ id: 1, content: list }] });
const resolver = new DnsEngine(new RuleStorage([new StringRuleList(1, list, false)]));
const named = (name) => {
  const found = resolver.match(name);
  return Boolean(found.basicRule) || found.hostRules.length > 0;
};
const shown = (name) =>
  Boolean(
    engine
      .matchRequest(new Request(`https://${name}/deposit?x=1`, null, RequestType.Document))
      .getBasicResult(),
  );
console.log(
  JSON.stringify({
    errors: engine.getConversionErrors().length,
    names: names.filter(named),
    pages: names.filter(shown),
  }),
);
