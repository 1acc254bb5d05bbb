"""Who is who: identities that the studio gave, that a restart knows again, and that nobody can take or multiply."""

import base64
import stat
import sys

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from aigc_ui.addresses import network_of
from aigc_ui.door import Door, Role, new_token
from aigc_ui.guard import Guard, Hosts
from aigc_ui.visitors import Numbers, Visitors, kept_key, visitor_of
from tests.aigc_ui.test_guard import OPENED, URL, echo

KEY = b"k" * 32


def studio(key: bytes = KEY, signed: bool = True, door: Door | None = None) -> Guard:
    return Guard(echo, Hosts(any_address=True), door, visitors=Visitors(key, signed))


def at(guard: Guard, address: str = "10.0.0.1", **headers: str) -> TestClient:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return TestClient(guard, URL, client=(address, 5000), headers=named)


def identity(client: TestClient, path: str = "/api/v1/images", **headers: str) -> str:
    return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()}).json()["client"]


def test_a_browser_is_known_again_after_a_restart_by_the_cookie_that_the_studio_signed(tmp_path):
    browser = at(studio(kept_key(tmp_path)))
    first = identity(browser)
    value = browser.cookies["aigc_client"]
    again = at(studio(kept_key(tmp_path)), "10.0.0.7", cookie=f"aigc_client={value}")
    assert identity(again) == first and "set-cookie" not in again.get("/").headers


@pytest.mark.parametrize("forged", ["a" * 32, "{id}", "{id}.", "{id}." + "0" * 32, "b" * 32 + ".{tag}", "{id}.{tag}0"])
def test_a_cookie_that_the_studio_did_not_sign_is_replaced_by_a_new_identity(forged):
    guard = studio()
    browser = at(guard)
    first = identity(browser)
    tag = browser.cookies["aigc_client"].partition(".")[2]
    answer = at(guard, cookie=f"aigc_client={forged.format(id=first, tag=tag)}").get("/")
    assert answer.json()["client"] != first and "aigc_client=" in answer.headers["set-cookie"]


def test_a_script_that_comes_back_is_the_same_visitor_and_from_elsewhere_another():
    guard = studio()
    here = identity(at(guard), x_aigc_client="my-script-1")
    assert here == identity(at(studio()), x_aigc_client="my-script-1") != "my-script-1"
    assert here != identity(at(guard, "10.0.0.2"), x_aigc_client="my-script-1")
    assert here != identity(at(guard), x_aigc_client="my-script-2")
    assert here != identity(at(studio(b"x" * 32)), x_aigc_client="my-script-1")


def test_nobody_becomes_a_browser_by_declaring_its_identity():
    guard = studio()
    browser = identity(at(guard))
    assert identity(at(guard), x_aigc_client=browser) != browser


def test_programs_without_cookies_are_told_apart_by_name_header_and_address():
    guard = studio()

    def program(address: str = "10.0.0.1", **headers: str) -> str:
        return identity(at(guard, address, **headers), "/sdapi/v1/options")

    def named(user: str) -> str:
        return "Basic " + base64.b64encode(f"{user}:secret".encode()).decode()

    every = [
        program(user_agent="krita"),
        program(user_agent="bot"),
        program("10.0.0.2", user_agent="krita"),
        program(user_agent="krita", authorization=named("ada")),
        program(user_agent="krita", authorization=named("bob")),
        program(user_agent="krita", x_aigc_client="program-1"),
        program(user_agent="krita", x_aigc_client="program-2"),
    ]
    assert len(set(every)) == len(every)
    assert program(user_agent="krita") == every[0] and program(authorization=named("ada")) == every[3]


def test_on_one_persons_machine_what_is_declared_is_the_identity_also_after_a_shared_time():
    guard = studio(signed=False)
    assert identity(at(guard), x_aigc_client="my-script-1") == "my-script-1"
    assert identity(at(guard, cookie="aigc_client=" + "a" * 32)) == "a" * 32
    assert identity(at(guard, cookie=f"aigc_client={'a' * 32}.{'0' * 32}")) == "a" * 32


def test_what_a_request_claims_about_its_address_and_its_owner_is_not_believed():
    seen = []

    async def look(scope, receive, send):
        seen.append(visitor_of(Request(scope)))
        await echo(scope, receive, send)

    guard = Guard(look, Hosts(any_address=True), visitors=Visitors(KEY, signed=True))
    at(guard, X_AIGC_Address="10.9.9.9", X_AIGC_Owner="1").get("/")
    assert (seen[0].address, seen[0].owner) == ("10.0.0.1", False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_key_is_readable_by_its_owner_alone_and_a_broken_one_is_made_anew(tmp_path):
    key = kept_key(tmp_path / "outputs")
    [file] = (tmp_path / "outputs").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and kept_key(tmp_path / "outputs") == key
    file.write_bytes(b"cut off")
    assert len(kept_key(tmp_path / "outputs")) == 32
    file.unlink()
    file.symlink_to("/dev/zero")
    assert len(kept_key(tmp_path / "outputs")) == 32, "a link is not followed"


def test_a_folder_that_keeps_no_key_still_serves(tmp_path, caplog):
    (tmp_path / "outputs").write_text("a file in its place")
    assert len(kept_key(tmp_path / "outputs")) == 32
    assert "strangers" in caplog.text and str(tmp_path) not in caplog.text


def test_one_machine_is_one_place_however_its_address_is_written():
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("2001:db8::1") == network_of("2001:db8::2:1") != network_of("2001:db8:0:1::1")


def test_the_owners_token_opens_the_studio_as_its_owner_and_the_pupils_does_not():
    pupils, owners = new_token(), new_token()
    door = Door(pupils, owner_token=owners)
    guard = studio(door=door)
    browser = at(guard)
    browser.get(f"/?token={pupils}", headers=OPENED)
    assert door.holder_of_pass(browser.cookies["aigc_pass"]) is Role.PUPIL
    browser.get(f"/?token={owners}", headers=OPENED)
    assert door.holder_of_pass(browser.cookies["aigc_pass"]) is Role.OWNER, "who came as a pupil can still be the owner"
    assert door.holder_of_token(pupils, "10.0.0.1") is Role.PUPIL
    assert door.holder_of_pass(owners) is None and door.holder_of_pass("") is None
    assert Door(pupils).holder_of_token("", "10.0.0.1") is None, "without an owner's token nobody is the owner"


def test_a_pupil_who_guesses_the_owners_token_is_slowed_down_and_stays_a_pupil():
    door = Door(pupils := new_token(), owner_token=new_token())
    browser = at(studio(door=door))
    browser.get(f"/?token={pupils}", headers=OPENED)
    tried = [browser.get(f"/?token=guess{i}", headers=OPENED) for i in range(20)]
    assert {answer.status_code for answer in tried} == {200}
    assert door.seconds_closed("10.0.0.1") > 0
    assert door.holder_of_pass(browser.cookies["aigc_pass"]) is Role.PUPIL


def test_numbers_are_short_and_bounded():
    numbers = Numbers(most=3)
    assert [numbers.of(name) for name in ("a", "b", "a", "c", "a", "d")] == [1, 2, 1, 3, 1, 4]
    assert [numbers.of(name) for name in ("a", "b")] == [1, 5], "who was longest unseen comes anew"
