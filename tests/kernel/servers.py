"""Real servers on this machine that mail and robots are sent to: an SMTP server and one that answers as the robots do."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.city import free_port

ACCOUNT, PASSWORD = "duty@example.org", "mail password 77"


def certificate(folder: Path) -> Path:
    """A certificate of this machine, signed by itself, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=9))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = made.add_extension(names, critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
    path = folder / "server.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain)
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return path


def context(pem: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made


class Mailbox:
    """What the SMTP server took; ``replies`` makes it refuse an address or the message itself."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.replies: dict[str, str] = {}
        self.swallow = threading.Event()
        self.sessions = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.sessions += 1
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if reply := self.replies.get(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.content.decode()))
        if self.swallow.is_set():  # taken, and the line is gone before anyone says so
            server.transport.abort()
        return self.replies.get("DATA", "250 OK")


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (ACCOUNT.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class Mail:
    """An SMTP server on a port of its own that can be taken down and put up again."""

    def __init__(self, pem: Path | None = None, secure: bool = False, **more: object) -> None:
        self.box = Mailbox()
        self.scheme, self.port, self.given = "smtps" if secure else "smtp", free_port(), more
        if pem and secure:
            self.given["ssl_context"] = context(pem)
        elif pem:
            self.given["tls_context"] = context(pem)
        self.start()

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.controller = Controller(self.box, "127.0.0.1", self.port, authenticator=authenticate, **self.given)
        self.controller.start()

    def stop(self) -> None:
        self.controller.stop(no_assert=True)


class Robots(ThreadingHTTPServer):
    """Answers as the group robots of WeCom, DingTalk and Feishu do, and checks their signatures."""

    daemon_threads = True

    def __init__(self, key: str) -> None:
        super().__init__(("127.0.0.1", 0), Robot)
        self.key, self.said, self.answers, self.cut = key, [], {}, False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Robot(BaseHTTPRequestHandler):
    server: Robots

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        if self.server.cut:
            self.server.said.append("cut")
            self.connection.close()
            return
        answer = next(kind for start, kind in KINDS.items() if url.path.startswith(start))
        told = json.dumps(answer(self.server, body, query, url.path)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *words: object) -> None:
        """The test's output stays readable."""


def _sign(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def _wecom(server, body, query, path):
    if query.get("key") != "wecom-token":
        return {"errcode": 93000, "errmsg": "invalid webhook url"}
    return _kept(server, "wecom", body["text"]["content"], body["msgtype"] == "text", "errcode", "errmsg")


def _dingtalk(server, body, query, path):
    if query.get("access_token") != "ding-token":
        return {"errcode": 300005, "errmsg": "token is not exist"}
    if query.get("sign") != _sign(server.key, f"{query.get('timestamp')}\n{server.key}"):
        return {"errcode": 310000, "errmsg": "sign not match"}
    return _kept(server, "dingtalk", body["text"]["content"], body["msgtype"] == "text", "errcode", "errmsg")


def _feishu(server, body, query, path):
    if not path.endswith("/feishu-token"):
        return {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}
    if body.get("sign") != _sign(f"{body.get('timestamp')}\n{server.key}", ""):
        return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
    return _kept(server, "feishu", body["content"]["text"], body["msg_type"] == "text", "code", "msg")


def _kept(server, kind, text, good, code, words):
    if refusal := server.answers.pop(kind, None):
        return {code: refusal, words: "refused"}
    server.said.append((kind, text))
    return {code: 0 if good else 1, words: "ok"}


KINDS = {"/cgi-bin/webhook/send": _wecom, "/robot/send": _dingtalk, "/open-apis/bot/v2/hook/": _feishu}
