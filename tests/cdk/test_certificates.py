"""The certificates of RDS: which of the package's are kept, and that no bundle goes without those of its region."""

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cdk.bundle import CERTIFICATES, BundleError
from cdk.certificates import PACKAGE_PATH, CertificatesError, load_packaged_roots, regions, require_region

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "Amazon RDS {} Root CA {} G1"


def certificate(name: str, issuer: str | None = None) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject, issued_by = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer or name)
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode().strip()


def installed(root: Path, *pems: str) -> Path:
    """The package as npm unfolds it: a list of texts, each in lines that are joined by +."""
    texts = [" +\n    ".join(f"'{line}\\n'" for line in pem.splitlines()) for pem in pems]
    path = root / PACKAGE_PATH
    path.parent.mkdir(parents=True)
    path.write_text('"use strict";\nexports.defaults = [\n' + ",\n".join(texts) + "\n];\n")
    return root


def bundle(folder: Path, pem: str | None) -> Path:
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("app/api.py", "")
        if pem is not None:
            archive.writestr(CERTIFICATES, pem)
    return path


def test_the_roots_of_regions_are_kept_and_nothing_else(tmp_path: Path) -> None:
    kept = [certificate(NAME.format("us-east-1", kind)) for kind in ("RSA2048", "RSA4096", "ECC384")]
    kept.append(certificate(NAME.format("ap-southeast-4", "RSA2048")))
    others = [
        certificate(NAME.format("Beta us-east-1", "RSA2048")),
        certificate(NAME.format("Preview us-east-2", "RSA2048")),
        certificate("Amazon RDS Root 2019 CA"),
        certificate("Amazon RDS us-west-2 2019 CA", "Amazon RDS Root 2019 CA"),
        certificate(NAME.format("eu-west-1", "RSA2048"), "Somebody"),
        certificate("Amazon Root CA 1"),
    ]
    pem = load_packaged_roots(installed(tmp_path, *others[:2], *kept, *others[2:]))
    assert pem == "\n".join(kept) + "\n"
    assert regions(pem) == {"us-east-1", "ap-southeast-4"}


def test_a_package_that_is_missing_or_changed_is_told(tmp_path: Path) -> None:
    with pytest.raises(CertificatesError, match="is missing; install it: cd cdk && npm ci"):
        load_packaged_roots(tmp_path)
    with pytest.raises(CertificatesError, match="holds no root certificate of RDS; fetch them: curl"):
        load_packaged_roots(installed(tmp_path, certificate("Amazon Root CA 1")))


def test_a_bundle_vouches_for_its_region(tmp_path: Path) -> None:
    require_region(bundle(tmp_path, certificate(NAME.format("us-east-1", "RSA2048"))), "us-east-1")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (None, "holds no certificates, so its functions reach no Aurora; build it with `make bundle`"),
        ("", "holds no root certificate of RDS in us-east-1; fetch them"),
        ("eu-west-1", "holds no root certificate of RDS in us-east-1; fetch them"),
    ],
)
def test_a_bundle_that_could_reach_no_database_is_refused(tmp_path: Path, held: str | None, words: str) -> None:
    pem = certificate(NAME.format(held, "RSA2048")) if held else held
    with pytest.raises(BundleError, match=words):
        require_region(bundle(tmp_path, pem), "us-east-1")
