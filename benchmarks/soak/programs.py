"""What a program may send to the interface of AUTOMATIC1111."""

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio

LARGE = 45 * 2**20


def answered(studio: Studio, verb: str, body: bytes) -> str:
    answer = studio.http.post(f"/sdapi/v1/{verb}", content=body, timeout=300)
    message = answer.json().get("error", {}).get("message", "") if answer.status_code >= 400 else ""
    return f"{answer.status_code}, {len(answer.content)} bytes. {message[:70]}".strip()


@attack("45 MB of nested lists in JSON", "--api")
def lists(studio: Studio) -> str:
    body = b'{"x":[' + b"[1],[2]," * ((LARGE - 20) // 8) + b"0]}"
    return answered(studio, "txt2img", body)


@attack("45 MB of one text with a letter beyond ASCII", "--api")
def letter(studio: Studio) -> str:
    return answered(studio, "txt2img", '{"x":"😀'.encode() + b"a" * LARGE + b'"}')


@attack("45 MB of one text in a field that A1111 does not have", "--api")
def unknown(studio: Studio) -> str:
    return answered(studio, "txt2img", b'{"steps":1,"width":64,"height":64,"x":"' + b"a" * LARGE + b'"}')


@attack("45 MB of base64 as a picture", "--api")
def picture(studio: Studio) -> str:
    return answered(studio, "img2img", b'{"init_images":["' + b"A" * LARGE + b'"]}')


@attack("a hundred wrong bodies: null, lists, NaN, bad base64", "--api")
def wrong(studio: Studio) -> str:
    bodies = [
        b"null",
        b"[]",
        b'{"steps":NaN}',
        b'{"steps":[]}',
        b'{"init_images":["%"]}',
        b'{"width":null,"steps":"a"}',
    ]
    answers = [studio.http.post("/sdapi/v1/img2img", content=bodies[i % len(bodies)]).status_code for i in range(100)]
    return ", ".join(f"{answers.count(status)} x {status}" for status in sorted(set(answers)))
