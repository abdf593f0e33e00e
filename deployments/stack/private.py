"""What keeps others out of the local servers: keys, passwords and a certificate, readable by their owner only."""

from __future__ import annotations

import ipaddress
import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gauntlet.datasets.io.atomic import write_whole
from gauntlet.tasks.runtime.connection import ADDRESS, Credentials, passwords_file, read_credentials, read_password
from gauntlet.tasks.runtime.settings import Settings

WITH_PASSWORD = ("prefect", "mlflow")
_PARTS = ("master", "volume", "filer", "admin")
_GRPC_PARTS = (*_PARTS, "s3", "client", "worker")
_YEARS_10 = timedelta(days=3_650)


def credentials(cfg: Settings) -> Credentials:
    """The local S3 server's keys, made once per home folder."""
    if read_credentials(cfg) is None:
        keys = {"access_key": "gauntlet", "secret_key": secrets.token_urlsafe(24)}
        write_private(cfg.state / "stack" / "credentials.json", json.dumps(keys))
    made = read_credentials(cfg)
    assert made is not None
    return made


def password(cfg: Settings, service: str) -> str:
    """The password of the local Prefect or MLflow server, made once per home folder; the user is `gauntlet`."""
    if read_password(cfg, service) is None:
        made = {name: secrets.token_urlsafe(24) for name in WITH_PASSWORD}
        write_private(passwords_file(cfg), json.dumps(made))
    known = read_password(cfg, service)
    assert known is not None
    return known.get_secret_value()


def s3_identities(file: Path, keys: Credentials) -> Path:
    """The file, written anew: who gets in at the S3 port, in SeaweedFS's own format."""
    identity = {
        "name": "gauntlet",
        "credentials": [{"accessKey": keys.access_key, "secretKey": keys.secret_key.get_secret_value()}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_private(file, json.dumps({"identities": [identity]}))
    return file


def s3_environment(folder: Path) -> dict[str, str]:
    """What lets the parts of SeaweedFS (master, volume, filer, admin) speak to each other alone.

    Each takes calls by mutual TLS only, on HTTP and gRPC, with a certificate made for this start in the folder; the key
    of its authority is kept nowhere. The S3 port itself asks for a signature. Settings as in SeaweedFS's security.toml.
    """
    authority, certificate, key = _certificate()
    for name, text in (("ca.crt", authority), ("server.crt", certificate), ("server.key", key)):
        write_private(folder / name, text)
    trust, chain, secret = (str(folder / name) for name in ("ca.crt", "server.crt", "server.key"))
    environment = {"WEED_GRPC_CA": trust, "WEED_HTTPS_CLIENT_ENABLED": "true", "WEED_HTTPS_CLIENT_CA": trust}
    for part in _GRPC_PARTS:
        environment |= {f"WEED_GRPC_{part.upper()}_CERT": chain, f"WEED_GRPC_{part.upper()}_KEY": secret}
    for part in (*_PARTS, "client"):
        environment |= {f"WEED_HTTPS_{part.upper()}_CERT": chain, f"WEED_HTTPS_{part.upper()}_KEY": secret}
        environment[f"WEED_HTTPS_{part.upper()}_CA"] = trust
    signing = ("JWT_SIGNING", "JWT_SIGNING_READ", "JWT_FILER_SIGNING", "JWT_FILER_SIGNING_READ")
    return environment | {f"WEED_{name}_KEY": secrets.token_urlsafe(24) for name in signing}


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        BadInput: the disk is full, or the folder is closed to us.
    """
    write_whole(file, text.encode(), mode=0o600)


def _certificate() -> tuple[str, str, str]:
    """An authority, a certificate by it for this machine's loopback address, and the certificate's key; PEM."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _builder("gauntlet authority", "gauntlet authority", authority_key.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS)), x509.DNSName("localhost")])
    own = _builder("gauntlet", "gauntlet authority", key.public_key())
    own = own.add_extension(usages, critical=False).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signed = (built.sign(authority_key, hashes.SHA256()).public_bytes(pem).decode() for built in (authority, own))
    return (*signed, private.decode())  # type: ignore[return-value]


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    builder = x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer)).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + _YEARS_10)
