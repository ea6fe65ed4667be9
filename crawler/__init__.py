"""scamtrail: reports in, trail followed, verdicts with evidence, operations linked, lists out."""
