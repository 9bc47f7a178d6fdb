"""Signatures of two clouds' APIs: what is sent, a key and an instant in, headers out.

Sources, whose worked examples are the tests' vectors: ACS3-HMAC-SHA256 of Aliyun
(help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature), TC3-HMAC-SHA256 of
Tencent Cloud (cloud.tencent.com/document/api/362/4208).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A POST to a cloud's API before it is signed. `query` is in the canonical form."""

    host: str  # as the Host header says it, with a port that is not the scheme's own
    path: str
    query: str
    body: bytes
    content_type: str
    action: str
    version: str
    service: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An access key; printing shows nothing of the secret."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Key(***)"


def canonical_query(values: Mapping[str, str]) -> str:
    """Return a query as both clouds sign it: sorted, quoted after RFC 3986; empty values are out.

    The same text goes over the wire, so that nothing can be quoted in two ways.
    """
    kept = sorted((name, value) for name, value in values.items() if value)
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in kept)


def acs3(call: Call, key: Key, now: datetime, nonce: str) -> dict[str, str]:
    """Return the headers of a request to Aliyun; `nonce` is new for each attempt."""
    digest = hashlib.sha256(call.body).hexdigest()
    headers = {
        "host": call.host,
        "x-acs-action": call.action,
        "x-acs-content-sha256": digest,
        "x-acs-date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": call.version,
    }
    if call.content_type:
        headers["content-type"] = call.content_type
    request = _canonical(call, headers, digest)
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    sent = {name: value for name, value in headers.items() if name.startswith("x-acs-")}
    sent["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key.key_id},"
        f"SignedHeaders={';'.join(sorted(headers))},Signature={signature}"
    )
    return sent


def tc3(call: Call, key: Key, now: datetime) -> dict[str, str]:
    """Return the headers of a request to Tencent Cloud."""
    digest = hashlib.sha256(call.body).hexdigest()
    signed = {
        "content-type": call.content_type,
        "host": call.host,
        "x-tc-action": call.action.lower(),
    }
    timestamp, day = str(int(now.timestamp())), now.strftime("%Y-%m-%d")
    scope = f"{day}/{call.service}/tc3_request"
    request = _canonical(call, signed, digest)
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashed}"
    derived = f"TC3{key.secret}".encode()
    for part in (day, call.service, "tc3_request"):
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-TC-Action": call.action,
        "X-TC-Version": call.version,
        "X-TC-Timestamp": timestamp,
        "Authorization": (
            f"TC3-HMAC-SHA256 Credential={key.key_id}/{scope}, "
            f"SignedHeaders={';'.join(sorted(signed))}, Signature={signature}"
        ),
    }
    return headers | ({"X-TC-Region": call.region} if call.region else {})


def _canonical(call: Call, headers: Mapping[str, str], digest: str) -> str:
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    return "\n".join(("POST", call.path, call.query, lines, ";".join(sorted(headers)), digest))
