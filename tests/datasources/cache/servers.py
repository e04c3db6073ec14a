"""A Redis 7 of Debian with TLS and a token, and the certificates it needs."""

import datetime
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from datasources.embedded.process import free_port

TOKEN = "a-token-of-sixteen-or-more"
BINARY = shutil.which("redis-server")


@dataclass(frozen=True)
class Authority:
    """A certificate authority of its own, in files."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path


def make_authority(file: Path) -> Authority:
    """A new authority whose certificate is written to `file`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(key, certificate, file)


class TlsRedis:
    """`redis-server` on loopback: TLS only, a token, nothing on disk. Its certificate is for localhost only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.authority = make_authority(folder / "ca.pem")
        self._child: subprocess.Popen[bytes] | None = None

    def url(self, host: str = "localhost", token: str = TOKEN) -> str:
        return f"rediss://:{token}@{host}:{self.port}/0"

    @property
    def ca_file(self) -> str:
        return str(self.authority.file)

    def start(self) -> None:
        assert BINARY is not None
        self._certify()
        lines = (
            "bind 127.0.0.1", "port 0", f"tls-port {self.port}", f"requirepass {TOKEN}",
            f"tls-cert-file {self.folder}/server.pem", f"tls-key-file {self.folder}/server.key",
            f"tls-ca-cert-file {self.ca_file}", "tls-auth-clients no", 'save ""', "appendonly no", f"dir {self.folder}",
        )  # fmt: skip
        configuration = self.folder / "redis.conf"
        configuration.write_text("\n".join(lines) + "\n")
        with (self.folder / "server.log").open("wb") as log:
            self._child = subprocess.Popen([BINARY, str(configuration)], stdout=log, stderr=log)
        end = time.monotonic() + 10
        while b"Ready to accept connections" not in (self.folder / "server.log").read_bytes():
            assert self._child.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.01)

    def stop(self) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(timeout=10)
            self._child = None

    def _certify(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self.authority
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        certificate = (
            _builder(name, authority.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(issuer_key, critical=False)
            .sign(authority.key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (self.folder / "server.pem").write_bytes(certificate.public_bytes(pem))
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / "server.key").write_bytes(secret)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip
