"""The sample reports: what a regulator, a newsroom, a victim and a police desk would hand in."""

from collections.abc import Iterator

from crawler.sandbox.world import Host, World


def sample_reports(world: World) -> Iterator[tuple[str, str]]:
    """(file name, text) of each report; together they name every host that truth calls reported."""
    fronts = [world.hosts[item.front] for item in world.operations.values() if item.index % 3 == 0]
    by_kind = {kind: [world.hosts[name] for name in names] for kind, names in world.by_kind.items()}
    news = by_kind.get("news", [])
    redirectors = by_kind.get("redirector", [])
    farms = by_kind.get("link_farm", [])
    doorways = [host for host in by_kind.get("doorway", []) if host.reach == "report"]
    yield "victim-chat.txt", _chat(fronts[0::5], redirectors[0::3])
    yield "advisory.md", _advisory(fronts[1::5], redirectors[1::3])
    yield "warning.html", _warning(fronts[2::5])
    yield "police-list.csv", _table(fronts[3::5], doorways, redirectors[2::3])
    yield "canh-bao.txt", _vietnamese(farms, fronts[4::5])
    yield "press-review.txt", _press(news)
    yield "tong-bao.md", _chinese(fronts[0::7])
    yield "hacked-sites.txt", _hacked(by_kind)
    yield "traps.txt", _traps(by_kind)


def _chat(fronts: list[Host], redirectors: list[Host]) -> str:
    lines = [
        "Forwarded by a victim, names removed",
        "",
        "A friend from a dating app told me to register and deposit. I paid 4,000 USDT on",
        *(f"hxxps://{_brackets(host.name)}/register?invite=abc12 ," for host in fronts),
        "then support on Telegram (https://t.me/kindhelper_cs) asked for a tax before I could",
        "withdraw. The short address she sent me was",
        *(f"{host.name.replace('.', ' (dot) ')}" for host in redirectors),
        "I reported it to the police at https://police-desk.gov.sg and told my bank, dbs.com.sg.",
    ]
    return "\n".join(lines)


def _advisory(fronts: list[Host], redirectors: list[Host]) -> str:
    items = "\n".join(f"- `{_brackets(host.name)}`" for host in (*fronts, *redirectors))
    return (
        "# Advisory 11/2026: unlicensed sites\n\n"
        "The following sites are fraudulent; do not deposit money there:\n\n"
        f"{items}\n\n"
        "They advertise on [Facebook](https://www.facebook.com/groups/quickmoney) and on\n"
        "[YouTube](https://youtu.be/abcdefghijk). The official website of the regulator is\n"
        "https://www.mas.gov.sg/ .\n"
    )


def _warning(fronts: list[Host]) -> str:
    rows = "".join(
        f"<tr><td>{number}</td><td>{_brackets(host.name)}</td><td>not licensed</td></tr>"
        for number, host in enumerate(fronts, 1)
    )
    return (
        "<!doctype html><html lang=en><head><title>Warning list</title></head><body>"
        "<nav><a href='https://www.linkedin.com/company/commission'>LinkedIn</a></nav>"
        "<p>The commission warns of these sites, which are not authorised.</p>"
        f"<table><tr><th>No</th><th>Site</th><th>Note</th></tr>{rows}</table>"
        "<script>document.location='http://never.test/'</script></body></html>"
    )


def _table(fronts: list[Host], doorways: list[Host], redirectors: list[Host]) -> str:
    lines = ["case;reported on;found at;remark"]
    for number, host in enumerate((*fronts, *doorways, *redirectors), 100):
        lines.append(
            f'{number};2026-11-0{number % 9 + 1};www.{host.name.replace(".", "[.]")}/ ;"seen, twice"'
        )
    return "\n".join(lines).replace("www.go-", "go-").replace("www.", "") + "\n"


def _vietnamese(farms: list[Host], fronts: list[Host]) -> str:
    lines = ["Cảnh báo: các trang cá độ trái phép", ""]
    lines += [
        f"Người dân phản ánh trang hxxp://k7mq2x{number}.{_brackets(host.name)}/{48_213 + number} và"
        f" hxxp://p0v8rt{number}.{_brackets(host.name)}/{90_177 + number} dẫn đến nhà cái lừa đảo."
        for number, host in enumerate(farms)
    ]
    lines += [f"Trang {host.name.replace('.', '。')} cũng bị tố cáo lừa đảo." for host in fronts]
    lines.append("Thông tin thêm tại https://tinnhiemmang.vn và nhóm Zalo https://zalo.me/g/abc .")
    return "\n".join(lines)


def _press(news: list[Host]) -> str:
    lines = ["Press review: articles on fake investment and gambling sites", ""]
    return "\n".join([*lines, *(f"http://{host.name}/" for host in news)]) + "\n"


def _chinese(fronts: list[Host]) -> str:
    names = "、".join(host.name.replace(".", "．") for host in fronts)
    return f"# 涉诈网站通报\n\n近期发现以下网站涉嫌诈骗：{names}，请勿充值。举报平台 https://www.12377.cn 。\n"


def _hacked(by_kind: dict[str, list[Host]]) -> str:
    lines = ["Pages with gambling text found by a search; the owners are being told:", ""]
    lines += [
        f"http://{host.name}/wp-content/uploads/slot" for host in by_kind.get("hacked_school", [])
    ]
    lines += [f"http://{host.name}/article/3001" for host in by_kind.get("spammed_forum", [])]
    return "\n".join(lines) + "\n"


def _traps(by_kind: dict[str, list[Host]]) -> str:
    lines = ["Suspicious links from one mailing, not checked by anybody:", ""]
    for kind in ("trap-calendar", "trap-bomb", "trap-drip", "trap-rebind", "trap-to-loopback"):
        lines += [f"http://{host.name}/" for host in by_kind.get(kind, [])]
    return "\n".join(lines) + "\n"


def _brackets(name: str) -> str:
    return name.replace(".", "[.]")
