"""What a browser sees at a shared studio's door: where the token is asked for, and the welcome after it.

Both pass on what else the address says, such as a lesson: the part behind # never reaches the server, so a script of
theirs keeps it. Nothing else may run or load there.
"""

import base64
import hashlib

# The same address again, with this token or none. A redirect would come without the new strict cookie when the address
# was clicked on another site; what our own page opens does not.
_SCRIPT = """
const open = (token) => {
  const to = new URL(location);
  to.searchParams.delete("token");
  if (token) to.searchParams.set("token", token);
  if (to.href === location.href) location.reload();
  else location.replace(to);
};
const form = document.forms[0];
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  open(form.token.value.trim());
});
document.querySelector("a").addEventListener("click", (event) => {
  event.preventDefault();
  open("");
});
if (!form) open("");
"""
_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_STYLE = "<style>body{font:1.1rem system-ui;max-width:30rem;margin:20vh auto;padding:0 1rem}</style>"
_HEAD = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>AIGC Studio</title>"
ASK = (
    f"{_HEAD}{_STYLE}<h1>AIGC Studio</h1><p>MESSAGE</p><form action=/ method=get>"
    "<label>Token <input name=token autofocus autocomplete=off></label> <button>Open</button></form>"
    f"<p><a href=/>I gave it before</a></p><script>{_SCRIPT}</script>"
)
WELCOME = (
    f"{_HEAD}<noscript><meta http-equiv=refresh content='0;url=/'></noscript>{_STYLE}"
    f"<p><a href=/>Open AIGC Studio</a></p><script>{_SCRIPT}</script>"
)
