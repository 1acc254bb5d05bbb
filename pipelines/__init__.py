"""The engine: generators, jobs, devices and pictures. Usable and testable without the page."""

VERSION = "0.1.0"
SOFTWARE = f"AIGC Studio {VERSION}"
