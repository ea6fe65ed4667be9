"""A MISP feed: an event an operation, with manifest.json and hashes.csv (MISP core format)."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from crawler.names import address
from crawler.share import NO_OPERATION, Publisher, SharedOperation, SharedSite

# Object templates (https://github.com/MISP/misp-objects): uuid and version.
_DOMAIN_IP = ("43b3b146-77eb-4931-b4cc-b66c60f28734", "11")
_COIN_ADDRESS = ("d0e6997e-78da-4815-a6a1-cfc1c1cb8a46", "7")
_COLOURS = {"clear": "#ffffff", "green": "#33ff00", "amber": "#ffc000", "red": "#ff2b2b"}
CATEGORY_TAG = "scamtrail:category"


def write(
    publisher: Publisher, operations: Iterable[SharedOperation], tlp: str, folder: Path
) -> int:
    """Write the feed into `folder`; what it held of other events is removed. Returns how many."""
    events = {
        event["uuid"]: event for event in (_event(publisher, item, tlp) for item in operations)
    }
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("????????-????-????-????-????????????.json"):
        if old.stem not in events:
            old.unlink()
    hashes: list[str] = []
    for identity, event in events.items():
        _put(
            folder / f"{identity}.json", json.dumps({"Event": event}, indent=1, ensure_ascii=False)
        )
        for attribute in _values(event):
            digest = hashlib.md5(attribute["value"].encode(), usedforsecurity=False).hexdigest()
            hashes.append(f"{digest},{identity}")
    manifest = {
        identity: {
            name: event[name]
            for name in ("info", "date", "timestamp", "analysis", "threat_level_id", "Orgc", "Tag")
        }
        for identity, event in events.items()
    }
    _put(folder / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
    _put(folder / "hashes.csv", "".join(f"{line}\n" for line in sorted(set(hashes))))
    return len(events)


def _put(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    part.replace(path)


def _values(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for holder in event["Object"] for item in holder["Attribute"]]


def _event(publisher: Publisher, operation: SharedOperation, tlp: str) -> dict[str, Any]:
    key = operation.id or NO_OPERATION
    categories = sorted({site.category for site in operation.sites})
    return {
        "uuid": publisher.uuid("event", key),
        "info": f"{key}: {operation.summary}" if operation.id else NO_OPERATION,
        "date": operation.first_seen[:10],
        "timestamp": _stamp(operation.last_seen),
        "publish_timestamp": _stamp(operation.last_seen),
        "published": True,
        "analysis": "2",  # completed
        "threat_level_id": "2",  # medium
        "Orgc": {"name": publisher.name, "uuid": str(publisher.id)},
        "Tag": [
            {"name": f"tlp:{tlp}", "colour": _COLOURS[tlp]},
            *({"name": f'{CATEGORY_TAG}="{name}"', "colour": "#8a2b06"} for name in categories),
        ],
        "Attribute": [],
        "Object": [
            *(_site(publisher, site) for site in operation.sites),
            *(_wallet(publisher, key, operation, *wallet) for wallet in operation.wallets),
        ],
    }


def _site(publisher: Publisher, site: SharedSite) -> dict[str, Any]:
    key = f"site/{site.host}"
    kind = "domain" if site.host == site.registered_domain else "hostname"
    named = [] if address(site.host) else [(kind, kind, site.host, True)]
    ips = [site.host] if address(site.host) else site.ips
    fields = [
        *named,
        # An address serves many; it is told, not meant for blocking.
        *(("ip", "ip-dst", ip, False) for ip in ips),
        ("first-seen", "datetime", site.first_seen, False),
        ("last-seen", "datetime", site.last_seen, False),
    ]
    comment = f"{site.category} ({site.kind}), p = {site.probability:.3f}"
    return _object(
        publisher, key, "domain-ip", "network", _DOMAIN_IP, site.last_seen, fields, comment
    )


def _wallet(
    publisher: Publisher, key: str, operation: SharedOperation, coin: str, value: str
) -> dict[str, Any]:
    relation, kind = ("address", "btc") if coin == "btc" else ("address-crypto", "text")
    fields = [
        (relation, kind, value, coin == "btc"),
        ("symbol", "text", {"tron": "TRX", "evm": "ETH"}.get(coin, coin.upper()), False),
    ]
    return _object(
        publisher,
        f"{key}/{coin}/{value}",
        "coin-address",
        "financial",
        _COIN_ADDRESS,
        operation.last_seen,
        fields,
        "",
    )


def _object(
    publisher: Publisher,
    key: str,
    name: str,
    meta: str,
    template: tuple[str, str],
    seen: str,
    fields: Iterable[tuple[str, str, str, bool]],
    comment: str,
) -> dict[str, Any]:
    categories = {"btc": "Financial fraud", "text": "Other", "datetime": "Other"}
    return {
        "uuid": publisher.uuid("object", key),
        "name": name,
        "meta-category": meta,
        "description": name,
        "template_uuid": template[0],
        "template_version": template[1],
        "timestamp": _stamp(seen),
        "comment": comment,
        "Attribute": [
            {
                "uuid": publisher.uuid("attribute", key, relation, value),
                "object_relation": relation,
                "type": kind,
                "category": categories.get(kind, "Network activity"),
                "value": value,
                "to_ids": detect,
                "timestamp": _stamp(seen),
            }
            for relation, kind, value, detect in fields
        ],
    }


def _stamp(text: str) -> str:
    return str(int(datetime.fromisoformat(text).timestamp()))
