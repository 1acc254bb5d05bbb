"""The gallery over HTTP: found, marked, thrown away, brought back; in a shared studio only one's own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.aigc_ui.small_studio import Studio, made, open_studio, serving

GALLERY = "/api/v1/gallery"


@pytest.fixture(params=[False, True], ids=["own", "shared"])
def studio(tmp_path: Path, request) -> Iterator[Studio]:
    studio = open_studio(tmp_path / "pictures", shared=request.param)
    yield studio
    studio.services.close()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Studio]:
    studio = open_studio(tmp_path / "pictures", shared=True)
    yield studio
    studio.services.close()


def make(client, prompt: str) -> str:
    return made(client, steps=1, prompt=prompt)["image_ids"][0]


def found(client, **asked) -> list[str]:
    answer = client.get(GALLERY, params=asked)
    assert answer.status_code == 200, answer.text
    return [picture["id"] for picture in answer.json()["pictures"]]


def refusal(answer) -> str:
    assert answer.status_code == 422, answer.text
    return answer.json()["error"]["message"]


def test_pictures_are_searched_marked_deleted_and_brought_back(studio: Studio):
    client = studio.client("ada")
    fox, panda = make(client, "a fox"), make(client, "一只大熊猫")
    assert found(client) == [panda, fox] and found(client, text="熊猫") == [panda] and found(client, text="fo") == [fox]
    marked = client.post(f"{GALLERY}/marks", json={"ids": [fox, panda], "stars": 4, "add_tags": ["zoo"]}).json()
    assert marked == {"marked": [fox, panda], "refused": []}
    client.post(f"{GALLERY}/marks", json={"ids": [fox], "favourite": True, "stars": 5, "remove_tags": ["zoo"]})
    assert found(client, stars=["4", "5"]) == [panda, fox] and found(client, tag="zoo") == [panda]
    [shown] = client.get(GALLERY, params={"favourite": "yes"}).json()["pictures"]
    assert (shown["id"], shown["stars"], shown["tags"], shown["own"]) == (fox, 5, [], True) and "owner" not in shown
    assert client.post(f"{GALLERY}/delete", json={"ids": [fox]}).json()["deleted"] == [fox]
    assert found(client) == [panda] and client.get(f"/api/v1/images/{fox}").status_code == 404
    assert [picture["id"] for picture in client.get(f"{GALLERY}/bin").json()["pictures"]] == [fox]
    assert client.get(f"{GALLERY}/bin/{fox}/thumbnail").content[8:12] == b"WEBP"
    assert client.post(f"{GALLERY}/bin/restore", json={"ids": [fox]}).json()["restored"] == [fox]
    assert found(client, favourite="yes") == [fox]
    client.post(f"{GALLERY}/delete", json={"ids": [fox]})
    assert client.post(f"{GALLERY}/bin/destroy", json={"ids": [fox, panda]}).json()["destroyed"] == [fox]
    assert client.get(f"{GALLERY}/bin").json()["pictures"] == [] and found(client) == [panda]


def test_the_answer_has_the_total_the_facets_and_one_page(studio: Studio):
    client = studio.client("ada")
    ids = [make(client, f"fox {i}") for i in range(3)]
    answer = client.get(GALLERY, params={"offset": 1, "limit": 1}).json()
    assert (answer["total"], answer["offset"], [p["id"] for p in answer["pictures"]]) == (3, 1, [ids[1]])
    assert answer["facets"]["size"] == {"8×8": 3} and answer["facets"]["kind"] == {"text": 3}


def test_those_like_a_picture_are_found_and_only_ones_own(shared: Studio):
    ada, bob = shared.client("ada"), shared.client("bob")
    hers, his = make(ada, "a fox"), make(bob, "a fox")
    assert found(ada, like=hers) == [hers] and ada.get(GALLERY, params={"like": hers}).json()["unseen"] == 0
    assert ada.get(GALLERY, params={"like": his}).status_code == 403
    assert ada.get(GALLERY, params={"like": "20260101-000000-000000-0000"}).status_code == 404
    assert ada.get(GALLERY, params={"like": "../etc"}).status_code == 404


def test_a_thumbnail_is_small_typed_and_kept(studio: Studio):
    client = studio.client("ada")
    answer = client.get(f"{GALLERY}/{make(client, 'fox')}/thumbnail")
    assert answer.status_code == 200 and answer.content[8:12] == b"WEBP"
    assert answer.headers["content-type"] == "image/webp" and "private" in answer.headers["cache-control"]
    assert client.get(f"{GALLERY}/..%2f..%2fetc/thumbnail").status_code == 404


def test_one_finds_and_changes_only_ones_own_in_a_shared_studio(shared: Studio):
    ada, bob = shared.client("ada"), shared.client("bob")
    hers, his = make(ada, "a fox"), make(bob, "a fox in secret")
    assert found(bob) == [his] and bob.get(GALLERY).json()["total"] == 1
    assert bob.get(f"{GALLERY}/{hers}/thumbnail").status_code == 403
    for path in ("marks", "delete"):
        answer = bob.post(f"{GALLERY}/{path}", json={"ids": [hers, his]}).json()
        assert [(one["id"], one["error"]["code"]) for one in answer["refused"]] == [(hers, "not_allowed")]
    ada.post(f"{GALLERY}/delete", json={"ids": [hers]})
    assert bob.get(f"{GALLERY}/bin/{hers}/thumbnail").status_code == 403
    for path in ("restore", "destroy"):
        answer = bob.post(f"{GALLERY}/bin/{path}", json={"ids": [hers]}).json()
        assert [one["error"]["code"] for one in answer["refused"]] == ["not_allowed"]
    assert [picture["id"] for picture in bob.get(f"{GALLERY}/bin").json()["pictures"]] == [his]
    assert ada.post(f"{GALLERY}/bin/restore", json={"ids": [hers]}).json()["restored"] == [hers]


def test_what_is_asked_wrongly_is_said_in_a_sentence(studio: Studio):
    client = studio.client("ada")
    for query in ("limit=0", "limit=501", "offset=-1", "colour=red", f"text={'x' * 1001}", "model=" + "x" * 201):
        assert refusal(client.get(f"{GALLERY}?{query}"))
    for body in ({"ids": "all"}, {"ids": [5]}, {"ids": ["x"] * 1001}, {"stars": 6}, {"stars": "many"}, {"tags": []}):
        assert refusal(client.post(f"{GALLERY}/marks", json=body))
    answer = client.post(f"{GALLERY}/delete", json={"ids": ["../../etc/passwd"]}).json()
    assert answer["deleted"] == [] and answer["refused"][0]["error"]["code"] == "not_found"


def test_it_is_served_and_guarded_by_a_real_server(studio: Studio):
    with serving(studio) as url, httpx.Client(base_url=url, headers={"x-aigc-client": "client-ada"}) as client:
        answer = client.get(GALLERY)
        assert answer.status_code == 200 and answer.json()["total"] == 0
        assert answer.headers["cache-control"] == "no-store"
        elsewhere = client.post(f"{GALLERY}/delete", json={"ids": []}, headers={"origin": "http://evil.example"})
        assert elsewhere.status_code == 403


def test_a_family_is_told_with_its_pictures_and_not_to_others(shared: Studio):
    ada, bob = shared.client("ada"), shared.client("bob")
    fox, other = make(ada, "a fox"), make(bob, "a fox")
    kin = ada.get(f"{GALLERY}/{fox}/family").json()
    assert [node["picture"]["id"] for node in kin["nodes"]] == [fox] and kin["nodes"][0]["picture"]["own"] is True
    assert (kin["edges"], kin["cut"]) == ([], False)
    assert ada.get(f"{GALLERY}/{other}/family").status_code == 403
    assert ada.get(f"{GALLERY}/20260101-000000-000000-0000/family").status_code == 404
    assert ada.get(f"{GALLERY}/..%2f..%2fetc/family").status_code == 404


def test_nobody_checks_the_reproduction_of_somebody_elses_picture(shared: Studio):
    from aigc_ui.visitors import Visitor
    from pipelines.errors import NotAllowed
    from pipelines.requests.reproduction import ReproductionRequest

    asked = ReproductionRequest.parse({"picture": make(shared.client("bob"), "a fox")})
    with pytest.raises(NotAllowed, match="somebody else"):
        shared.services.submit("reproduction", asked, Visitor("client-ada"))


def test_searches_are_kept_under_names_and_each_persons_own(studio: Studio):
    ada, bob = studio.client("ada"), studio.client("bob")
    values = {"text": "panda", "facets": {"stars": ["5"]}}
    kept = ada.post(f"{GALLERY}/searches", json={"name": "zoo", "values": values}).json()
    assert kept == {"searches": [{"name": "zoo", "values": values}]}
    shared = studio.services.settings.shared
    assert bob.get(f"{GALLERY}/searches").json() == ({"searches": []} if shared else kept)
    assert (
        ada.post(f"{GALLERY}/searches/rename", json={"name": "zoo", "to": "best"}).json()["searches"][0]["name"]
        == "best"
    )
    assert ada.post(f"{GALLERY}/searches/delete", json={"name": "best"}).json() == {"searches": []}
    assert refusal(ada.post(f"{GALLERY}/searches", json={"name": "none", "values": {}}))
