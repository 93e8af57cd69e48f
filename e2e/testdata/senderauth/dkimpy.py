# Lets dkimpy verify and sign: one JSON object a line in, one out.
import base64, json, sys
import dkim


def finder(keys):
    def find(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        text = keys.get(name.rstrip("."))
        return text.encode() if text is not None else None
    return find


def answer(ask):
    message = base64.b64decode(ask["message"])
    find = finder(ask.get("keys") or {})
    op = ask["op"]
    if op == "arc":
        cv, _, why = dkim.arc_verify(message, dnsfunc=find)
        return {"result": "fail" if cv is None else cv.decode(), "why": str(why)}
    if op == "dkim":
        d = dkim.DKIM(message)
        return {"result": "pass" if d.verify(dnsfunc=find) else "fail", "why": ""}
    key = ask["key"].encode()
    fields = [x.encode() for x in ask["fields"]]
    domain, selector = ask["domain"].encode(), ask["selector"].encode()
    if op == "seal":
        made = dkim.arc_sign(message, selector, domain, key, ask["service"].encode(), include_headers=fields)
        return {"result": "pass" if made else "none", "made": base64.b64encode(b"".join(made)).decode()}
    forms = (ask["header"].encode(), ask["body"].encode())
    made = dkim.sign(message, selector, domain, key, canonicalize=forms, include_headers=fields,
                     signature_algorithm=ask["algorithm"].encode())
    return {"result": "pass", "made": base64.b64encode(made).decode()}


for line in sys.stdin:
    try:
        out = answer(json.loads(line))
    except Exception as e:  # what it cannot do is no pass
        out = {"result": "fail", "why": type(e).__name__ + ": " + str(e)}
    print(json.dumps(out), flush=True)
