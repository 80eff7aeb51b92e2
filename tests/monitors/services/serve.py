"""Servers that devices are, by Twisted: SSH, IMAP, POP3, FTP and SMTP with STARTTLS, each at a port of
its own on 127.0.0.1. Their ports go to standard output as one line of JSON; they end with standard
input."""

import json
import sys
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.cred.portal import Portal
from twisted.internet import protocol, reactor, ssl, stdio
from twisted.mail import imap4, pop3, smtp
from twisted.protocols.ftp import FTPFactory, FTPRealm


class NoDoor(protocol.ServerFactory):
    """Whoever comes is greeted; nobody can sign in."""

    def __init__(self, make):
        self.make = make

    def buildProtocol(self, addr):
        made = self.make()
        made.factory = self
        return made


class Ssh(SSHFactory):
    def __init__(self):
        key = Key(Ed25519PrivateKey.generate())
        self.privateKeys = {b"ssh-ed25519": key}
        self.publicKeys = {b"ssh-ed25519": key.public()}


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(timezone.utc)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(pem, form, serialization.NoEncryption()) + cert.public_bytes(pem)
    return ssl.PrivateCertificate.loadPEM(text).options()


class Ends(protocol.Protocol):
    def connectionLost(self, reason=protocol.connectionDone):
        if reactor.running:
            reactor.stop()


tls = certificate()
servers = {
    "ssh": Ssh(),
    "imap": NoDoor(imap4.IMAP4Server),
    "pop3": NoDoor(pop3.POP3),
    "ftp": FTPFactory(Portal(FTPRealm("/nonexistent"))),
    "smtp": NoDoor(lambda: smtp.ESMTP(contextFactory=tls)),
}
ports = {
    name: reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port
    for name, factory in servers.items()
}
sys.stdout.write(json.dumps(ports) + "\n")
sys.stdout.flush()
stdio.StandardIO(Ends())
reactor.run()
