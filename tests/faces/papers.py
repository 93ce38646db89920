"""Authorities, and the certificates that they issue: PEM files in a folder, as the tests of encrypted lines need them."""

from datetime import timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anlan.kernel.clock import real

CLEAR = serialization.NoEncryption()


class Authority:
    """Writes ``name.pem`` for itself, and ``name.pem`` with ``name.key`` for whom it issues a certificate."""

    def __init__(self, folder, name="ca"):
        self.folder, self.key, self.name = folder, ec.generate_private_key(ec.SECP256R1()), _called(name)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(self.name, self.key, 0, 30, x509.BasicConstraints(True, None)))

    def issue(self, name, *, host="127.0.0.1", since=0, days=90):
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
        certificate, file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(self._signed(_called(name), key, since, days, names))
        file.write_bytes(pem(key))
        return certificate, file

    def _signed(self, subject, key, since, days, extension):
        begin = real() - timedelta(hours=1) + timedelta(days=since)
        made = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number(), begin, begin + timedelta(days=days))
        made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(key, how=CLEAR):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def _called(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
