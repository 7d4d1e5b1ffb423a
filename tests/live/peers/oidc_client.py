"""A client of others (Authlib, joserfc) at an issuer: everything that an issuer has to do, and everything that it has to refuse.

oidc_client.py ISSUER CLIENT_ID SECRET|- ALG
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from authlib.common.security import generate_token
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

issuer, client_id, secret, alg = sys.argv[1:5]
secret = None if secret == "-" else secret
REDIRECT = "http://127.0.0.1:34567/callback"


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(Stay(), urllib.request.ProxyHandler({}))


class Answer:
    def __init__(self, status, headers, body):
        self.status_code, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise RuntimeError(f"HTTP {self.status_code}: {self.body!r}")


class Session:
    """The little of a `requests` session that the client needs."""

    def post(self, url, data=None, headers=None, auth=None):
        body, headers = urllib.parse.urlencode(data or {}), dict(headers or {})
        if auth is not None:
            url, headers, body = auth.prepare("POST", url, headers, body)
        return send(urllib.request.Request(url, data=body.encode(), headers=headers, method="POST"))


def send(request):
    try:
        with opener.open(request) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())


def get(url):
    return send(urllib.request.Request(url))


def refused(code, work):
    try:
        work()
    except OAuth2Error as fault:
        assert fault.error == code, f"{fault.error} instead of {code}"
    else:
        raise AssertionError(f"not refused with {code}")


about = get(f"{issuer}/.well-known/openid-configuration").json()
assert about["issuer"] == issuer
keys = KeySet.import_key_set(get(about["jwks_uri"]).json())


def client():
    return OAuth2Client(
        Session(), client_id, secret, scope="openid email offline_access", redirect_uri=REDIRECT,
        code_challenge_method="S256", token_endpoint=about["token_endpoint"],
    )


def agrees(one):
    """The way there and back; what the issuer sent the browser back with."""
    verifier, nonce = generate_token(48), generate_token(20)
    page, state = one.create_authorization_url(about["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    answer = get(page)
    assert answer.status_code == 302, answer.body
    back = answer.headers["location"]
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert back.startswith(REDIRECT + "?") and query["state"] == state and query["iss"] == issuer
    return back, state, verifier, nonce


def redeem(one, back, state, verifier):
    return one.fetch_token(authorization_response=back, state=state, code_verifier=verifier)


def holds(token, nonce):
    found = jwt.decode(token["id_token"], keys, algorithms=["RS256", "ES256"])
    assert found.header["alg"] == alg, found.header
    options = {"iss": {"values": [issuer]}, "aud": {"values": [client_id]}}
    claims = CodeIDToken(found.claims, found.header, options, {"client_id": client_id, "nonce": nonce})
    claims.validate(now=int(time.time()))
    assert claims["email"]


# The code flow, and a code that is shown twice.
one = client()
back, state, verifier, nonce = agrees(one)
token = redeem(one, back, state, verifier)
holds(token, nonce)
refused("invalid_grant", lambda: redeem(client(), back, state, verifier))
refused("invalid_grant", lambda: client().refresh_token(refresh_token=token["refresh_token"]))

# A verifier that does not go with the challenge; none at all.
back, state, verifier, _ = agrees(client())
refused("invalid_grant", lambda: redeem(client(), back, state, generate_token(48)))
back, state, verifier, _ = agrees(client())
refused("invalid_grant", lambda: client().fetch_token(authorization_response=back, state=state))

# Another redirect than the one that was asked for, and one that nobody registered.
back, state, verifier, _ = agrees(client())
refused("invalid_grant", lambda: client().fetch_token(authorization_response=back, state=state, code_verifier=verifier, redirect_uri=REDIRECT + "/x"))
page, _ = client().create_authorization_url(about["authorization_endpoint"], redirect_uri="https://evil.example/", code_verifier=generate_token(48))
assert get(page).status_code == 400

# Renewal rotates; whoever shows an old one loses all.
one = client()
back, state, verifier, nonce = agrees(one)
first = redeem(one, back, state, verifier)["refresh_token"]
token = client().refresh_token(refresh_token=first)
holds(token, None)
second = token["refresh_token"]
assert second != first
refused("invalid_grant", lambda: client().refresh_token(refresh_token=first))
refused("invalid_grant", lambda: client().refresh_token(refresh_token=second))

# What is withdrawn is gone.
back, state, verifier, _ = agrees(client())
token = redeem(client(), back, state, verifier)
assert client().revoke_token(about["revocation_endpoint"], token=token["refresh_token"], token_type_hint="refresh_token").status_code == 200
refused("invalid_grant", lambda: client().refresh_token(refresh_token=token["refresh_token"]))

# A device: pending, too fast, agreed to by whoever started this program (one line on our input).
one = client()
granted = Session().post(about["device_authorization_endpoint"], {"scope": "openid"}, {}, one.client_auth(one.token_endpoint_auth_method)).json()
poll = lambda: client().fetch_token(grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=granted["device_code"], scope=None)
refused("authorization_pending", poll)
refused("slow_down", poll)
print(granted["user_code"], flush=True)
sys.stdin.readline()
time.sleep(granted["interval"] + 5.1)
holds(poll(), None)
refused("invalid_grant", poll)

# Somebody else.
if secret is not None:
    wrong = OAuth2Client(Session(), client_id, secret + "x", token_endpoint=about["token_endpoint"])
    refused("invalid_client", lambda: wrong.refresh_token(refresh_token="x"))
print("all of it", flush=True)
