"""What a secret looks like: one rule for every shape that gives itself away, whatever key stands before it.

Every rule runs in linear time on any input: runs are possessive or consumed whole and judged in a
callback, look-arounds are bounded, and nothing is searched twice. None may match a marker that redaction wrote,
or redacting twice would differ from redacting once.
"""

import re

from autoir.redact.rule import Rule, Span, fold, marker, replace_spans
from autoir.redact.values import SECRET

AWS_KEY_ID = marker("aws-key-id")
PRIVATE_KEY = marker("private-key")
JWT = marker("jwt")
TOKEN = marker("token")
AUTHORIZATION = marker("authorization")
USERINFO = marker("userinfo")
EMAIL = marker("email")
CARD = marker("card")


_PEM_BEGIN = re.compile(r"-----BEGIN[A-Z0-9 %+]{0,40}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----")
_PEM_END = re.compile(r"-----END[A-Z0-9 %+]{0,40}-----")


def _private_keys(message: str) -> str:
    """A key cut off before its END is redacted to the closing quote, or to the end of the message."""
    spans: list[Span] = []
    begin = _PEM_BEGIN.search(message)
    while begin:
        end = _PEM_END.search(message, begin.end())
        if end:
            stop = end.end()
        else:
            quotes = [at for at in (message.find(quote, begin.end()) for quote in "\"'") if at >= 0]
            stop = min(quotes, default=len(message))
        spans.append(Span(begin.start(), stop, PRIVATE_KEY))
        begin = _PEM_BEGIN.search(message, stop) if end else None
    return replace_spans(message, spans)


_PEM_LINE = re.compile(r"(\s*)((?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})={0,2})(\s*)")
_LONGEST_PEM_LINE = 96


def _private_key_line(message: str) -> str:
    """A message that is nothing but one full line of PEM: the key was logged one line an event.

    OpenSSL breaks at 64 characters, OpenSSH at 70, MIME at 76. Hexadecimal digests of 64 are of one case.
    """
    if len(message) > _LONGEST_PEM_LINE or len(message) < 64:
        return message
    line = _PEM_LINE.fullmatch(message)
    if line is None or line[2].lower() == line[2] or line[2].upper() == line[2]:
        return message
    return f"{line[1]}{PRIVATE_KEY}{line[3]}"


_AWS_KEY_ID = re.compile(
    r"""(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}+
        (?: ((?:\\++[nrt"]|[\s"',:;|]){1,8}) (?![0-9a-f]{40})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]) )?
    """,
    re.VERBOSE,
)


def _aws_key_ids(message: str) -> str:
    """Key ids, and the secret key right behind one, which no key names in a CSV of credentials."""
    return _AWS_KEY_ID.sub(lambda m: f"{AWS_KEY_ID}{m[1]}{SECRET}" if m[1] else AWS_KEY_ID, message)


_JWT = re.compile(r"eyJ([\w-]*+)((?:\.[\w-]*+){0,4})", re.ASCII)


def _jwts(message: str) -> str:
    """JWS and JWE, also cut off inside the payload. A base64 object without a dot is no JWT."""
    return _JWT.sub(lambda m: JWT if len(m[1]) >= 8 and len(m[2]) >= 5 else m[0], message)


_VENDOR_TOKEN = re.compile(
    r"""gh[pousr]_[A-Za-z0-9]{20,}+ | github_pat_\w{20,}+                                # GitHub
      | xox[a-z]-[A-Za-z0-9-]{10,}+ | xapp-[A-Za-z0-9-]{10,}+                           # Slack
      | [sr]k_(?:live|test)_[A-Za-z0-9]{10,}+ | whsec_[A-Za-z0-9+/=]{16,}+              # Stripe
      | AIza[\w-]{30,}+ | ya29\.[\w-]{20,}+ | GOCSPX-[\w-]{20,}+                        # Google
      | gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[\w-]{16,}+                           # GitLab
      | npm_[A-Za-z0-9]{30,}+ | pypi-[\w-]{32,}+                                        # package registries
      | SG\.[\w-]{16,}+\.[\w-]{16,}+ | SK[0-9a-f]{32}(?![0-9A-Za-z])                    # SendGrid, Twilio
      | do[opr]_v1_[0-9a-f]{32,}+ | hv[sbr]\.[\w-]{20,}+                                # DigitalOcean, Vault
      | hf_[A-Za-z0-9]{30,}+ | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32,}+ | glsa_\w{30,}+     # Hugging Face, Shopify, Grafana
      | ABSK[A-Za-z0-9+/=]{100,}+ | AGE-SECRET-KEY-1[A-Z0-9]{20,}+ | ATATT3[\w=-]{60,}+ # Bedrock, age, Atlassian
      | dckr_pat_[\w-]{20,}+ | ntn_[A-Za-z0-9]{30,}+ | sbp_[0-9a-f]{40,}+               # Docker, Notion, Supabase
    """,
    re.ASCII | re.VERBOSE,
)
_SK_TOKEN = re.compile(r"sk-(?:[\w-]{20,}+)", re.ASCII)
_WEBHOOK = re.compile(
    r"""(hooks\.slack\.com/[a-z]{1,12}/ | webhook\.office\.com/webhookb2/)[\w/+@-]{8,}+
      | (discord(?:app)?\.com/api/webhooks/[0-9]{5,25}/ | pagerduty\.com/integration/ | elegram\.org/bot)[\w:-]{8,}+
    """,
    re.ASCII | re.VERBOSE,
)
"""Whoever knows one of these addresses may write to the channel, or wake people."""
_WORD_BEFORE = re.compile(r"(?:^|[^0-9A-Za-z_-]|\\[nrt]|%[0-9A-F]{2})\Z")
_VENDOR_GATES = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "xapp-", "k_live_", "k_test_", "whsec_", "AIza"),
    *("ya29.", "GOCSPX-", "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "gloas-"),
    *("npm_", "pypi-", "SG.", "SK", "do_v1_", "op_v1_", "oo_v1_", "or_v1_", "hvs.", "hvb.", "hvr.", "hf_"),
    *("shpat_", "shpca_", "shppa_", "shpss_", "glsa_", "sk-", "ABSK", "AGE-SECRET-", "ATATT3", "dckr_pat_", "ntn_"),
    *("sbp_", "hooks.slack.com/", "webhook.office.com/"),
    *("discord.com/", "discordapp.com/", "pagerduty.com/i", "elegram.org/bot"),
)


def _sk_token(match: re.Match[str]) -> str:
    """OpenAI and Anthropic; ``task-…`` ends and a style sheet's class begins alike, but have no digits or capitals."""
    before = match.string[max(0, match.start() - 3) : match.start()]
    if _WORD_BEFORE.search(before) and any(not ("a" <= c <= "z" or c in "-_") for c in match[0]):
        return TOKEN
    return match[0]


def _vendor_tokens(message: str) -> str:
    message = _WEBHOOK.sub(lambda m: (m[1] or m[2]) + TOKEN, message)
    return _VENDOR_TOKEN.sub(TOKEN, _SK_TOKEN.sub(_sk_token, message))


_SCHEME = re.compile(r"(bearer|basic)(?:[ \t]{1,8}|%20|\+|: ?)")
_CREDENTIALS = re.compile(r"[A-Za-z0-9._~+/=|:@!$%-]++")
_BASE64_PAIR = re.compile(r"(?=[^0-9=]*+[0-9=]|.[a-z]*+[A-Z])[A-Za-z0-9+/]{8,}={0,2}")
_SCHEME_PROSE_WORDS = (
    "a an and are as auth authenticated authentication authorization cannot credential credentials error expired for "
    "format has header headers in invalid is malformed method missing must not of only or prefix realm required "
    "scheme scope string token tokens type was with"
)
_SCHEME_PROSE = frozenset(_SCHEME_PROSE_WORDS.split())
_SCHEME_CHALLENGE = re.compile(r"(?:realm|scope|charset|client_id|error\w{0,20}|authorization_uri)=|[a-z_]{2,20}=[\w/]")
"""``WWW-Authenticate: Bearer realm="shop"`` is a question, not an answer."""


def _authorizations(message: str) -> str:
    """``Bearer`` and ``Basic`` credentials; prose about them stays."""
    spans: list[Span] = []
    done = 0
    for scheme in _SCHEME.finditer(fold(message)):
        value = _CREDENTIALS.match(message, scheme.end()) if scheme.start() >= done else None
        if value is None:
            continue
        done = value.end()
        if scheme[1] == "basic":
            secret = _BASE64_PAIR.match(value[0]) is not None
        else:
            word = value[0].rstrip(".:,!-").lower()
            secret = bool(word) and word not in _SCHEME_PROSE and not _SCHEME_CHALLENGE.match(message, scheme.end())
        if secret:
            spans.append(Span(*value.span(), AUTHORIZATION))
    return replace_spans(message, spans)


_URL_USERINFO = re.compile(
    r"""://(?: [^\s/?\#"'<>\[\]\\]{1,512}
             | [^\s/?\#"'<>\[\]\\@:]{0,128} : (?![0-9]{1,5}[/?\#,]) [^\s"'<>@\\]{1,256} )@""",
    re.VERBOSE,
)
_BARE_USERINFO = re.compile(r"@(?:(?:tcp|udp|unix)\(|[\w.-]{1,255}:[0-9]{2,5}(?![0-9]))")
_BARE_USERINFO_REVERSED = re.compile(r"""[^\s:/"'<>\]]{1,128}:[\w.+-]{1,64}(?=[\s"'(=,\[]|\Z)""")


def _userinfo(message: str) -> str:
    """``scheme://user:pass@host`` keeps scheme and host; also ``user:pass@tcp(host)`` and ``user:pass@host:port``."""
    if "://" in message:
        message = _URL_USERINFO.sub(f"://{USERINFO}@", message)
    spans = []
    for host in _BARE_USERINFO.finditer(message):
        before = _BARE_USERINFO_REVERSED.match(message[max(0, host.start() - 200) : host.start()][::-1])
        if before:
            spans.append(Span(host.start() - before.end(), host.start(), USERINFO))
    return replace_spans(message, spans)


_MAIL_DOMAIN = r"(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?![\w-])"
_MAIL_HOSTS = (re.compile("@" + _MAIL_DOMAIN), re.compile("%40" + _MAIL_DOMAIN))
_MAIL_LOCAL_REVERSED = re.compile(r"[\w.%+'-]{0,63}\w")
_NOT_A_MAIL_DOMAIN = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|css|js|ts|json|tgz|gz|jar|dll|services?|socket|timer|target|slice|scope|mount)\Z"
)


def _emails(message: str) -> str:
    """Found at the ``@``, then read backwards: a search from the front would try every word of the line."""
    spans = []
    for pattern in _MAIL_HOSTS:
        for host in pattern.finditer(message):
            local = _MAIL_LOCAL_REVERSED.match(message[max(0, host.start() - 64) : host.start()][::-1])
            if local is None or local[0] == "tig" or _NOT_A_MAIL_DOMAIN.search(host[0]):
                continue
            spans.append(Span(host.start() - local.end(), host.end(), EMAIL))
    return replace_spans(message, spans)


_CARD = re.compile(
    r"""[2-6]
        (?: (?<![0-9a-fA-F%].)(?<![0-9][.,].)(?<![0-9a-f]{4}-.) | (?<=%[0-9A-F]{2}.) )    # not inside an id, a decimal
        [0-9]{3}
        (?: [ -]?[0-9]{4} [ -]?[0-9]{4} [ -]?[0-9]{1,4} ([ -]?[0-9]{3})? | [ -]?[0-9]{6} [ -]?[0-9]{4,5} )
        (?![0-9a-fA-F]) (?![.,][0-9]) (?!-(?=[0-9]{0,3}[a-f])[0-9a-f]{4})
    """,
    re.VERBOSE,
)
_CARD_NETWORK = re.compile(
    r"""4[0-9]{12}(?:[0-9]{3}){0,2}                                                     # Visa: 13, 16, 19
      | 5[1-5][0-9]{14} | 2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}  # Mastercard
      | 3[47][0-9]{13} | 3(?:0[0-5]|[689][0-9])[0-9]{11}                                # American Express, Diners
      | 35(?:2[89]|[3-8][0-9])[0-9]{12}                                                 # JCB
      | 6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}(?:[0-9]{3})? | 62[0-9]{14,17}           # Discover, UnionPay
      | (?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}                           # Maestro
    """,
    re.VERBOSE,
)
"""Issuer prefixes and lengths, ISO/IEC 7812 as the networks publish them."""
_TRACE_KEY = re.compile(r"""(?:trace|span|parent)[._-]?id\\*+["']?\s{0,2}[=:]\s{0,2}\\*+["']?\Z""", re.IGNORECASE)
_JSON_NUMBER_BEFORE = re.compile(r"""(\\{0,7}["'])\s{0,3}:\s{0,3}\Z""")
_DOUBLED = bytes(ord("0") + sum(divmod(2 * (byte - ord("0")), 10)) if 48 <= byte <= 57 else byte for byte in range(256))


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    raw = digits.encode("ascii")[::-1]
    return (sum(raw[::2]) + sum(raw[1::2].translate(_DOUBLED)) - ord("0") * len(raw)) % 10 == 0


def _is_card(text: str) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    return _CARD_NETWORK.fullmatch(digits) is not None and _luhn(digits)


def _card(match: re.Match[str]) -> str:
    """A bare JSON number gets its key's quotes, or the line would no longer parse."""
    text, tail = match[0], ""
    if not _is_card(text) and match[1]:
        text, tail = text[: -len(match[1])], match[1]
    if not _is_card(text):
        return match[0]
    before = match.string[max(0, match.start() - 24) : match.start()]
    if _TRACE_KEY.search(before):
        return match[0]
    quoted = _JSON_NUMBER_BEFORE.search(before)
    quote = quoted[1] if quoted and not tail else ""
    return f"{quote}{CARD}{quote}{tail}"


_DIGITS = bytes(ord("0") if 48 <= byte <= 57 else byte for byte in range(256))
_SHORTEST_CARD = b"0" * 13


def _cards(message: str) -> str:
    # Bytes, because one table pass over them costs a quarter of the search.
    if _SHORTEST_CARD not in message.encode("utf-8", "surrogatepass").translate(_DIGITS, b" -"):
        return message
    return _CARD.sub(_card, message)


SHAPE_RULES = (
    Rule("private-key", _private_keys, gates=("-----BEGIN",)),
    Rule("private-key", _private_key_line),
    Rule("aws-key-id", _aws_key_ids, gates=("AKIA", "ASIA", "ABIA", "ACCA")),
    Rule("jwt", _jwts, gates=("eyJ",)),
    Rule("token", _vendor_tokens, gates=_VENDOR_GATES),
    Rule("authorization", _authorizations, folded_gates=("bearer", "basic")),
    Rule("userinfo", _userinfo, gates=("@",)),
)
LATE_SHAPE_RULES = (
    Rule("email", _emails, gates=("@", "%40")),
    Rule("card", _cards),
)
"""Applied after the rules by key name, whose values hold addresses and numbers too."""
