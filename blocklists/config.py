"""What an operator decides about the published lists."""

from dataclasses import dataclass

from blocklists.policy import Policy


@dataclass(frozen=True, slots=True)
class PublishConfig:
    """`base_url` is where `public/` is served, "" when that is not known yet.

    A change of at most `few_removed` or `few_added` names in a list never trips the safety stop;
    above that, the percentages count against what the list held before. `formats` empty means
    all. Each of `policies` gets a list of its own. `deltas` and `steps` say how many releases stay
    in `delta/` and in the history.
    """

    title: str = "scamtrail"
    licence: str = "CC0-1.0"
    homepage: str = ""
    base_url: str = ""
    appeal: str = ""
    expires_hours: int = 24
    formats: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    max_removed_percent: float = 20
    few_removed: int = 5
    max_added_percent: float = 300
    few_added: int = 1000
    deltas: int = 30
    steps: int = 90
