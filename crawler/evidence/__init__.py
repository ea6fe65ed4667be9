"""Proof of what was seen: WARC files, the hash chain over them, packs for partners.

`capture` turns an answer into WARC records, `chain` ties entries by hashes (both pure), `archive`
keeps them on disk, `pack` hands those of one domain to a partner and checks what was handed over.
"""
