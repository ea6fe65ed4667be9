BEGIN TRANSACTION;
CREATE TABLE "appeals" (
   "id" INTEGER PRIMARY KEY,
   "domain" TEXT,
   "author" TEXT,
   "reason" TEXT,
   "opened_at" TEXT,
   "before" TEXT,
   "rechecked_at" TEXT,
   "after" TEXT,
   "decision" TEXT,
   "decided_by" TEXT,
   "decision_reason" TEXT,
   "closed_at" TEXT
);
INSERT INTO "appeals" VALUES(1,'shop1.test','author 1','reason 1','2026-11-21T00:00:00Z','before 1','2026-11-21T00:00:00Z','after 1','decision 1','decided_by 1','decision_reason 1','2026-11-21T00:00:00Z');
INSERT INTO "appeals" VALUES(2,'shop2.test','author 2','reason 2','2026-11-22T00:00:00Z','before 2','2026-11-22T00:00:00Z','after 2','decision 2','decided_by 2','decision_reason 2','2026-11-22T00:00:00Z');
INSERT INTO "appeals" VALUES(3,'shop3.test','author 3','reason 3','2026-11-23T00:00:00Z','before 3','2026-11-23T00:00:00Z','after 3','decision 3','decided_by 3','decision_reason 3','2026-11-23T00:00:00Z');
CREATE TABLE "captures" (
   "seq" INTEGER PRIMARY KEY,
   "host" TEXT,
   "url" TEXT,
   "profile" TEXT,
   "fetched_at" TEXT,
   "ip" TEXT,
   "status" INTEGER,
   "file" TEXT,
   "offset" INTEGER,
   "length" INTEGER,
   "sha256" TEXT,
   "payload_sha256" TEXT,
   "certificate_sha256" TEXT,
   "hash" TEXT
);
INSERT INTO "captures" VALUES(1,'shop1.test','http://shop1.test/','profile 1','2026-11-21T00:00:00Z','ip 1',1,'file 1',1,1,'sha256 1','payload_sha256 1','certificate_sha256 1','hash 1');
INSERT INTO "captures" VALUES(2,'shop2.test','http://shop2.test/','profile 2','2026-11-22T00:00:00Z','ip 2',2,'file 2',2,2,'sha256 2','payload_sha256 2','certificate_sha256 2','hash 2');
INSERT INTO "captures" VALUES(3,'shop3.test','http://shop3.test/','profile 3','2026-11-23T00:00:00Z','ip 3',3,'file 3',3,3,'sha256 3','payload_sha256 3','certificate_sha256 3','hash 3');
CREATE TABLE "certificates" (
   "id" INTEGER PRIMARY KEY,
   "host" TEXT,
   "sha256" TEXT,
   "issuer" TEXT,
   "subject" TEXT,
   "names" TEXT,
   "not_before" TEXT,
   "not_after" TEXT,
   "failure" TEXT,
   "raw" TEXT,
   "first_seen" TEXT,
   "last_seen" TEXT
, key_sha256 TEXT);
INSERT INTO "certificates" VALUES(1,'shop1.test','sha256 1','issuer 1','subject 1','names 1','not_before 1','not_after 1','failure 1','raw 1','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z','key_sha256 1');
INSERT INTO "certificates" VALUES(2,'shop2.test','sha256 2','issuer 2','subject 2','names 2','not_before 2','not_after 2','failure 2','raw 2','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z','key_sha256 2');
INSERT INTO "certificates" VALUES(3,'shop3.test','sha256 3','issuer 3','subject 3','names 3','not_before 3','not_after 3','failure 3','raw 3','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z','key_sha256 3');
CREATE TABLE "dns" (
   "id" INTEGER PRIMARY KEY,
   "host" TEXT,
   "type" TEXT,
   "value" TEXT,
   "ttl" INTEGER,
   "failure" TEXT,
   "first_seen" TEXT,
   "last_seen" TEXT
);
INSERT INTO "dns" VALUES(1,'shop1.test','type 1','value 1',1,'failure 1','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z');
INSERT INTO "dns" VALUES(2,'shop2.test','type 2','value 2',2,'failure 2','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z');
INSERT INTO "dns" VALUES(3,'shop3.test','type 3','value 3',3,'failure 3','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z');
CREATE TABLE "evidence" (
   "id" INTEGER PRIMARY KEY,
   "host" TEXT REFERENCES "sites"("host"),
   "page_id" INTEGER REFERENCES "pages"("id"),
   "signal" TEXT,
   "category" TEXT,
   "weight" REAL,
   "value" TEXT,
   "snippet" TEXT,
   "url" TEXT,
   "seen_at" TEXT
);
INSERT INTO "evidence" VALUES(1,'shop1.test',1,'signal 1','gambling',0.25,'value 1','snippet 1','http://shop1.test/','2026-11-21T00:00:00Z');
INSERT INTO "evidence" VALUES(2,'shop2.test',2,'signal 2','gambling',0.5,'value 2','snippet 2','http://shop2.test/','2026-11-22T00:00:00Z');
INSERT INTO "evidence" VALUES(3,'shop3.test',3,'signal 3','gambling',0.75,'value 3','snippet 3','http://shop3.test/','2026-11-23T00:00:00Z');
CREATE TABLE "frontier" (
   "url" TEXT,
   "profile" TEXT,
   "purpose" TEXT,
   "host" TEXT,
   "registered_domain" TEXT,
   "via" TEXT,
   "context" TEXT,
   "priority" REAL,
   "depth" INTEGER,
   "hops" INTEGER,
   "state" TEXT,
   "added_at" TEXT, tries INTEGER NOT NULL DEFAULT 0, not_before TEXT, kind TEXT NOT NULL DEFAULT '', network TEXT NOT NULL DEFAULT '', worth REAL NOT NULL DEFAULT 0,
   PRIMARY KEY ("url", "profile")
);
INSERT INTO "frontier" VALUES('http://shop1.test/','profile 1','purpose 1','shop1.test','shop1.test','via 1','context 1',0.25,1,1,'state 1','2026-11-21T00:00:00Z',1,'not_before 1','kind 1','network 1',0.25);
INSERT INTO "frontier" VALUES('http://shop2.test/','profile 2','purpose 2','shop2.test','shop2.test','via 2','context 2',0.5,2,2,'state 2','2026-11-22T00:00:00Z',2,'not_before 2','kind 2','network 2',0.5);
INSERT INTO "frontier" VALUES('http://shop3.test/','profile 3','purpose 3','shop3.test','shop3.test','via 3','context 3',0.75,3,3,'state 3','2026-11-23T00:00:00Z',3,'not_before 3','kind 3','network 3',0.75);
CREATE TABLE "harvest" (
   "kind" TEXT PRIMARY KEY,
   "fetched" INTEGER,
   "found" INTEGER
);
INSERT INTO "harvest" VALUES('kind 1',1,1);
INSERT INTO "harvest" VALUES('kind 2',2,2);
INSERT INTO "harvest" VALUES('kind 3',3,3);
CREATE TABLE "identifiers" (
   "id" INTEGER PRIMARY KEY,
   "kind" TEXT,
   "value" TEXT
);
INSERT INTO "identifiers" VALUES(1,'kind 1','value 1');
INSERT INTO "identifiers" VALUES(2,'kind 2','value 2');
INSERT INTO "identifiers" VALUES(3,'kind 3','value 3');
CREATE TABLE "ips" (
   "ip" TEXT PRIMARY KEY,
   "asn" INTEGER,
   "prefix" TEXT,
   "as_name" TEXT,
   "country" TEXT,
   "source" TEXT,
   "failure" TEXT,
   "raw" TEXT,
   "fetched_at" TEXT
, organisation TEXT, abuse_contact TEXT);
INSERT INTO "ips" VALUES('ip 1',1,'prefix 1','as_name 1','country 1','source 1','failure 1','raw 1','2026-11-21T00:00:00Z','organisation 1','abuse_contact 1');
INSERT INTO "ips" VALUES('ip 2',2,'prefix 2','as_name 2','country 2','source 2','failure 2','raw 2','2026-11-22T00:00:00Z','organisation 2','abuse_contact 2');
INSERT INTO "ips" VALUES('ip 3',3,'prefix 3','as_name 3','country 3','source 3','failure 3','raw 3','2026-11-23T00:00:00Z','organisation 3','abuse_contact 3');
CREATE TABLE "links" (
   "id" INTEGER PRIMARY KEY,
   "from_url" TEXT,
   "from_host" TEXT REFERENCES "sites"("host"),
   "to_url" TEXT,
   "to_host" TEXT,
   "text" TEXT,
   "kind" TEXT,
   "seen_at" TEXT
);
INSERT INTO "links" VALUES(1,'http://shop1.test/','shop1.test','http://shop1.test/','shop1.test','text 1','kind 1','2026-11-21T00:00:00Z');
INSERT INTO "links" VALUES(2,'http://shop2.test/','shop2.test','http://shop2.test/','shop2.test','text 2','kind 2','2026-11-22T00:00:00Z');
INSERT INTO "links" VALUES(3,'http://shop3.test/','shop3.test','http://shop3.test/','shop3.test','text 3','kind 3','2026-11-23T00:00:00Z');
CREATE TABLE "listings" (
   "id" INTEGER PRIMARY KEY,
   "domain" TEXT,
   "list" TEXT,
   "tier" TEXT,
   "exact" INTEGER,
   "added_at" TEXT,
   "removed_at" TEXT,
   "reason" TEXT,
   "removal_reason" TEXT
);
INSERT INTO "listings" VALUES(1,'shop1.test','list 1','tier 1',1,'2026-11-21T00:00:00Z','2026-11-21T00:00:00Z','reason 1','removal_reason 1');
INSERT INTO "listings" VALUES(2,'shop2.test','list 2','tier 2',2,'2026-11-22T00:00:00Z','2026-11-22T00:00:00Z','reason 2','removal_reason 2');
INSERT INTO "listings" VALUES(3,'shop3.test','list 3','tier 3',3,'2026-11-23T00:00:00Z','2026-11-23T00:00:00Z','reason 3','removal_reason 3');
CREATE TABLE "mentions" (
   "id" INTEGER PRIMARY KEY,
   "report_id" TEXT REFERENCES "reports"("id"),
   "url" TEXT,
   "host" TEXT,
   "registered_domain" TEXT,
   "role" TEXT,
   "context" TEXT,
   "priority" REAL
);
INSERT INTO "mentions" VALUES(1,'key 1','http://shop1.test/','shop1.test','shop1.test','accused','context 1',0.25);
INSERT INTO "mentions" VALUES(2,'key 2','http://shop2.test/','shop2.test','shop2.test','accused','context 2',0.5);
INSERT INTO "mentions" VALUES(3,'key 3','http://shop3.test/','shop3.test','shop3.test','accused','context 3',0.75);
CREATE TABLE "operation_events" (
   "id" INTEGER PRIMARY KEY,
   "at" TEXT,
   "operation_id" TEXT REFERENCES "operations"("id"),
   "event" TEXT,
   "other_id" TEXT,
   "sites" INTEGER
);
INSERT INTO "operation_events" VALUES(1,'at 1','key 1','event 1','key 1',1);
INSERT INTO "operation_events" VALUES(2,'at 2','key 2','event 2','key 2',2);
INSERT INTO "operation_events" VALUES(3,'at 3','key 3','event 3','key 3',3);
CREATE TABLE "operation_members" (
   "operation_id" TEXT REFERENCES "operations"("id"),
   "host" TEXT,
   "since" TEXT,
   "until" TEXT,
   "reason" TEXT,
   PRIMARY KEY ("operation_id", "host", "since")
);
INSERT INTO "operation_members" VALUES('key 1','shop1.test','since 1','until 1','reason 1');
INSERT INTO "operation_members" VALUES('key 2','shop2.test','since 2','until 2','reason 2');
INSERT INTO "operation_members" VALUES('key 3','shop3.test','since 3','until 3','reason 3');
CREATE TABLE "operations" (
   "id" TEXT PRIMARY KEY,
   "size" INTEGER,
   "confidence" REAL,
   "summary" TEXT,
   "identifiers" TEXT,
   "first_seen" TEXT,
   "last_seen" TEXT
);
INSERT INTO "operations" VALUES('key 1',1,0.25,'summary 1','[]','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z');
INSERT INTO "operations" VALUES('key 2',2,0.5,'summary 2','[]','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z');
INSERT INTO "operations" VALUES('key 3',3,0.75,'summary 3','[]','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z');
CREATE TABLE "overrides" (
   "id" INTEGER PRIMARY KEY,
   "domain" TEXT,
   "action" TEXT,
   "reason" TEXT,
   "author" TEXT,
   "created_at" TEXT,
   "expires_at" TEXT
, "decision" TEXT, "label" TEXT, "judged" TEXT);
INSERT INTO "overrides" VALUES(1,'shop1.test','action 1','reason 1','author 1','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z','decision 1','label 1','judged 1');
INSERT INTO "overrides" VALUES(2,'shop2.test','action 2','reason 2','author 2','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z','decision 2','label 2','judged 2');
INSERT INTO "overrides" VALUES(3,'shop3.test','action 3','reason 3','author 3','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z','decision 3','label 3','judged 3');
CREATE TABLE "pages" (
   "id" INTEGER PRIMARY KEY,
   "host" TEXT REFERENCES "sites"("host"),
   "url" TEXT,
   "via" TEXT,
   "depth" INTEGER,
   "profile" TEXT,
   "status" INTEGER,
   "failure" TEXT,
   "location" TEXT,
   "title" TEXT,
   "text" TEXT,
   "language" TEXT,
   "sha256" TEXT,
   "bytes" INTEGER,
   "ip" TEXT,
   "rendered" INTEGER,
   "category" TEXT,
   "kind" TEXT,
   "probability" REAL,
   "missing" TEXT,
   "model" TEXT,
   "fetched_at" TEXT
);
INSERT INTO "pages" VALUES(1,'shop1.test','http://shop1.test/','via 1',1,'profile 1',1,'failure 1','location 1','title 1','text 1','language 1','sha256 1',1,'ip 1',1,'gambling','kind 1',0.25,'missing 1','model 1','2026-11-21T00:00:00Z');
INSERT INTO "pages" VALUES(2,'shop2.test','http://shop2.test/','via 2',2,'profile 2',2,'failure 2','location 2','title 2','text 2','language 2','sha256 2',2,'ip 2',2,'gambling','kind 2',0.5,'missing 2','model 2','2026-11-22T00:00:00Z');
INSERT INTO "pages" VALUES(3,'shop3.test','http://shop3.test/','via 3',3,'profile 3',3,'failure 3','location 3','title 3','text 3','language 3','sha256 3',3,'ip 3',3,'gambling','kind 3',0.75,'missing 3','model 3','2026-11-23T00:00:00Z');
CREATE TABLE "partner_findings" (
   "partner" TEXT,
   "host" TEXT,
   "trust" REAL,
   "category" TEXT,
   "probability" REAL,
   "operation" TEXT,
   "first_seen" TEXT,
   "reference" TEXT,
   "merged_at" TEXT,
   PRIMARY KEY ("partner", "host")
);
INSERT INTO "partner_findings" VALUES('partner 1','shop1.test',0.25,'gambling',0.25,'operation 1','2026-11-21T00:00:00Z','reference 1','2026-11-21T00:00:00Z');
INSERT INTO "partner_findings" VALUES('partner 2','shop2.test',0.5,'gambling',0.5,'operation 2','2026-11-22T00:00:00Z','reference 2','2026-11-22T00:00:00Z');
INSERT INTO "partner_findings" VALUES('partner 3','shop3.test',0.75,'gambling',0.75,'operation 3','2026-11-23T00:00:00Z','reference 3','2026-11-23T00:00:00Z');
CREATE TABLE "refusals" (
   "domain" TEXT,
   "list" TEXT,
   "tier" TEXT,
   "reason" TEXT,
   "seen_at" TEXT,
   PRIMARY KEY ("domain", "list", "tier")
);
INSERT INTO "refusals" VALUES('shop1.test','list 1','tier 1','reason 1','2026-11-21T00:00:00Z');
INSERT INTO "refusals" VALUES('shop2.test','list 2','tier 2','reason 2','2026-11-22T00:00:00Z');
INSERT INTO "refusals" VALUES('shop3.test','list 3','tier 3','reason 3','2026-11-23T00:00:00Z');
CREATE TABLE "releases" (
   "serial" INTEGER PRIMARY KEY,
   "published_at" TEXT,
   "entries" INTEGER,
   "added" INTEGER,
   "removed" INTEGER,
   "manifest_sha256" TEXT
);
INSERT INTO "releases" VALUES(1,'2026-11-21T00:00:00Z',1,1,1,'manifest_sha256 1');
INSERT INTO "releases" VALUES(2,'2026-11-22T00:00:00Z',2,2,2,'manifest_sha256 2');
INSERT INTO "releases" VALUES(3,'2026-11-23T00:00:00Z',3,3,3,'manifest_sha256 3');
CREATE TABLE "reports" (
   "id" TEXT PRIMARY KEY,
   "source" TEXT,
   "kind" TEXT,
   "title" TEXT,
   "language" TEXT,
   "published" TEXT,
   "fetched_at" TEXT,
   "body" TEXT
);
INSERT INTO "reports" VALUES('key 1','source 1','kind 1','title 1','language 1','published 1','2026-11-21T00:00:00Z','body 1');
INSERT INTO "reports" VALUES('key 2','source 2','kind 2','title 2','language 2','published 2','2026-11-22T00:00:00Z','body 2');
INSERT INTO "reports" VALUES('key 3','source 3','kind 3','title 3','language 3','published 3','2026-11-23T00:00:00Z','body 3');
CREATE TABLE "runs" (
   "id" INTEGER PRIMARY KEY,
   "command" TEXT,
   "started_at" TEXT,
   "finished_at" TEXT,
   "exit_code" INTEGER,
   "message" TEXT,
   "stats" TEXT
);
INSERT INTO "runs" VALUES(1,'command 1','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z',1,'message 1','{}');
INSERT INTO "runs" VALUES(2,'command 2','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z',2,'message 2','{}');
INSERT INTO "runs" VALUES(3,'command 3','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z',3,'message 3','{}');
CREATE TABLE "servers" (
   "server" TEXT PRIMARY KEY,
   "pause" REAL,
   "quota" INTEGER,
   "rest_until" TEXT,
   "updated_at" TEXT
);
INSERT INTO "servers" VALUES('server 1',0.25,1,'rest_until 1','2026-11-21T00:00:00Z');
INSERT INTO "servers" VALUES('server 2',0.5,2,'rest_until 2','2026-11-22T00:00:00Z');
INSERT INTO "servers" VALUES('server 3',0.75,3,'rest_until 3','2026-11-23T00:00:00Z');
CREATE TABLE "site_identifiers" (
   "host" TEXT REFERENCES "sites"("host"),
   "identifier_id" INTEGER REFERENCES "identifiers"("id"),
   "url" TEXT,
   "first_seen" TEXT,
   "last_seen" TEXT,
   PRIMARY KEY ("host", "identifier_id")
);
INSERT INTO "site_identifiers" VALUES('shop1.test',1,'http://shop1.test/','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z');
INSERT INTO "site_identifiers" VALUES('shop2.test',2,'http://shop2.test/','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z');
INSERT INTO "site_identifiers" VALUES('shop3.test',3,'http://shop3.test/','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z');
CREATE TABLE "sites" (
   "host" TEXT PRIMARY KEY,
   "registered_domain" TEXT NOT NULL,
   "status" TEXT,
   "category" TEXT,
   "kind" TEXT,
   "probability" REAL,
   "language" TEXT,
   "title" TEXT,
   "first_seen" TEXT,
   "last_seen" TEXT,
   "last_checked" TEXT,
   "operation_id" TEXT REFERENCES "operations"("id"),
   "screenshot" TEXT,
   "missing" TEXT,
   "model" TEXT,
   "enriched_at" TEXT
);
INSERT INTO "sites" VALUES('shop1.test','shop1.test','status 1','gambling','kind 1',0.25,'language 1','title 1','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z','key 1','screenshot 1','missing 1','model 1','2026-11-21T00:00:00Z');
INSERT INTO "sites" VALUES('shop2.test','shop2.test','status 2','gambling','kind 2',0.5,'language 2','title 2','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z','key 2','screenshot 2','missing 2','model 2','2026-11-22T00:00:00Z');
INSERT INTO "sites" VALUES('shop3.test','shop3.test','status 3','gambling','kind 3',0.75,'language 3','title 3','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z','key 3','screenshot 3','missing 3','model 3','2026-11-23T00:00:00Z');
CREATE TABLE "sources" (
   "name" TEXT PRIMARY KEY,
   "fetched_at" TEXT,
   "succeeded_at" TEXT,
   "hosts" INTEGER,
   "failure" TEXT,
   "etag" TEXT,
   "modified" TEXT
);
INSERT INTO "sources" VALUES('name 1','2026-11-21T00:00:00Z','2026-11-21T00:00:00Z',1,'failure 1','etag 1','modified 1');
INSERT INTO "sources" VALUES('name 2','2026-11-22T00:00:00Z','2026-11-22T00:00:00Z',2,'failure 2','etag 2','modified 2');
INSERT INTO "sources" VALUES('name 3','2026-11-23T00:00:00Z','2026-11-23T00:00:00Z',3,'failure 3','etag 3','modified 3');
CREATE TABLE "whois" (
   "id" INTEGER PRIMARY KEY,
   "domain" TEXT,
   "source" TEXT,
   "registrar" TEXT,
   "registrar_iana_id" TEXT,
   "created" TEXT,
   "updated" TEXT,
   "expires" TEXT,
   "statuses" TEXT,
   "name_servers" TEXT,
   "country" TEXT,
   "organisation" TEXT,
   "abuse_contact" TEXT,
   "failure" TEXT,
   "raw" TEXT,
   "fetched_at" TEXT
, dnssec TEXT);
INSERT INTO "whois" VALUES(1,'shop1.test','source 1','registrar 1','key 1','2026-11-21T00:00:00Z','updated 1','expires 1','statuses 1','name_servers 1','country 1','organisation 1','abuse_contact 1','failure 1','raw 1','2026-11-21T00:00:00Z','dnssec 1');
INSERT INTO "whois" VALUES(2,'shop2.test','source 2','registrar 2','key 2','2026-11-22T00:00:00Z','updated 2','expires 2','statuses 2','name_servers 2','country 2','organisation 2','abuse_contact 2','failure 2','raw 2','2026-11-22T00:00:00Z','dnssec 2');
INSERT INTO "whois" VALUES(3,'shop3.test','source 3','registrar 3','key 3','2026-11-23T00:00:00Z','updated 3','expires 3','statuses 3','name_servers 3','country 3','organisation 3','abuse_contact 3','failure 3','raw 3','2026-11-23T00:00:00Z','dnssec 3');
CREATE UNIQUE INDEX "idx_mentions_report_id_url"
    ON "mentions" ("report_id", "url");
CREATE INDEX "idx_mentions_host"
    ON "mentions" ("host");
CREATE INDEX "idx_sites_registered_domain"
    ON "sites" ("registered_domain");
CREATE INDEX "idx_sites_operation_id"
    ON "sites" ("operation_id");
CREATE INDEX "idx_sites_category"
    ON "sites" ("category");
CREATE UNIQUE INDEX "idx_pages_url_profile_fetched_at"
    ON "pages" ("url", "profile", "fetched_at");
CREATE INDEX "idx_pages_host"
    ON "pages" ("host");
CREATE UNIQUE INDEX "idx_links_from_url_to_url_kind"
    ON "links" ("from_url", "to_url", "kind");
CREATE INDEX "idx_links_to_url"
    ON "links" ("to_url");
CREATE INDEX "idx_links_to_host"
    ON "links" ("to_host");
CREATE INDEX "idx_links_from_host"
    ON "links" ("from_host");
CREATE INDEX "idx_evidence_page_id"
    ON "evidence" ("page_id");
CREATE INDEX "idx_evidence_host"
    ON "evidence" ("host");
CREATE UNIQUE INDEX "idx_whois_domain_source_fetched_at"
    ON "whois" ("domain", "source", "fetched_at");
CREATE UNIQUE INDEX "idx_dns_host_type_value"
    ON "dns" ("host", "type", "value");
CREATE INDEX "idx_dns_value"
    ON "dns" ("value");
CREATE INDEX "idx_ips_asn"
    ON "ips" ("asn");
CREATE UNIQUE INDEX "idx_certificates_host_sha256"
    ON "certificates" ("host", "sha256");
CREATE INDEX "idx_certificates_sha256"
    ON "certificates" ("sha256");
CREATE UNIQUE INDEX "idx_identifiers_kind_value"
    ON "identifiers" ("kind", "value");
CREATE INDEX "idx_site_identifiers_identifier_id"
    ON "site_identifiers" ("identifier_id");
CREATE INDEX "idx_listings_domain"
    ON "listings" ("domain");
CREATE INDEX "idx_overrides_domain"
    ON "overrides" ("domain");
CREATE INDEX "idx_reports_source"
    ON "reports" ("source");
CREATE INDEX "idx_captures_host"
    ON "captures" ("host");
CREATE INDEX "idx_captures_url"
    ON "captures" ("url");
CREATE INDEX "idx_captures_file"
    ON "captures" ("file");
CREATE INDEX "idx_appeals_domain"
    ON "appeals" ("domain");
CREATE VIEW "history" AS 
        SELECT added_at AS at, domain, 'listed' AS event, list || '/' || tier AS detail, reason,
          '' AS author FROM listings
        UNION ALL SELECT removed_at, domain, 'removed', list || '/' || tier, removal_reason, ''
          FROM listings WHERE removed_at IS NOT NULL
        UNION ALL SELECT created_at, domain, action, coalesce('until ' || expires_at, ''), reason,
          author FROM overrides
        UNION ALL SELECT opened_at, domain, 'appeal', before, reason, author FROM appeals
        UNION ALL SELECT rechecked_at, domain, 'rechecked', after, '', '' FROM appeals
          WHERE rechecked_at IS NOT NULL
        UNION ALL SELECT closed_at, domain, 'decided', decision, decision_reason, decided_by
          FROM appeals WHERE closed_at IS NOT NULL;
CREATE INDEX "idx_operation_members_host"
    ON "operation_members" ("host");
CREATE INDEX "idx_operation_events_operation_id"
    ON "operation_events" ("operation_id");
CREATE INDEX "idx_partner_findings_host"
    ON "partner_findings" ("host");
CREATE INDEX "idx_sites_category_probability"
    ON "sites" ("category", "probability");
CREATE INDEX "idx_sites_first_seen_category"
    ON "sites" ("first_seen", "category");
CREATE INDEX "idx_mentions_registered_domain"
    ON "mentions" ("registered_domain");
CREATE INDEX "idx_listings_list_tier_removed_at"
    ON "listings" ("list", "tier", "removed_at");
CREATE INDEX "idx_pages_via"
    ON "pages" ("via");
CREATE INDEX "idx_ips_country"
    ON "ips" ("country");
CREATE INDEX idx_frontier_best ON frontier (purpose, tries, worth DESC, url) WHERE state = 'queued';
CREATE VIRTUAL TABLE "reports_fts" USING FTS5 (
    "title", "body",
    tokenize='trigram',
    content="reports"
);
INSERT INTO [reports_fts] ([reports_fts]) VALUES ('rebuild');
CREATE VIRTUAL TABLE "pages_fts" USING FTS5 (
    "title", "text",
    tokenize='trigram',
    content="pages"
);
INSERT INTO [pages_fts] ([pages_fts]) VALUES ('rebuild');
CREATE TRIGGER "reports_ai" AFTER INSERT ON "reports" BEGIN
  INSERT INTO "reports_fts" (rowid, "title", "body") VALUES (new.rowid, new."title", new."body");
END;
CREATE TRIGGER "reports_ad" AFTER DELETE ON "reports" BEGIN
  INSERT INTO "reports_fts" ("reports_fts", rowid, "title", "body") VALUES('delete', old.rowid, old."title", old."body");
END;
CREATE TRIGGER "reports_au" AFTER UPDATE ON "reports" BEGIN
  INSERT INTO "reports_fts" ("reports_fts", rowid, "title", "body") VALUES('delete', old.rowid, old."title", old."body");
  INSERT INTO "reports_fts" (rowid, "title", "body") VALUES (new.rowid, new."title", new."body");
END;
CREATE TRIGGER "pages_ai" AFTER INSERT ON "pages" BEGIN
  INSERT INTO "pages_fts" (rowid, "title", "text") VALUES (new.rowid, new."title", new."text");
END;
CREATE TRIGGER "pages_ad" AFTER DELETE ON "pages" BEGIN
  INSERT INTO "pages_fts" ("pages_fts", rowid, "title", "text") VALUES('delete', old.rowid, old."title", old."text");
END;
CREATE TRIGGER "pages_au" AFTER UPDATE ON "pages" BEGIN
  INSERT INTO "pages_fts" ("pages_fts", rowid, "title", "text") VALUES('delete', old.rowid, old."title", old."text");
  INSERT INTO "pages_fts" (rowid, "title", "text") VALUES (new.rowid, new."title", new."text");
END;
COMMIT;
PRAGMA user_version = 9;
