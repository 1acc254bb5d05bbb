.PHONY: run test fast check fix bench soak kills shots train graph cards

run:      ## open the studio
	python app.py

test:     ## all tests
	pytest

fast:     ## what tells most in under three minutes: no browser, nothing that takes seconds
	ruff check .
	ruff format --check .
	pytest -m "not slow and not browser"

check:    ## all that CI checks
	ruff check .
	ruff format --check .
	pyright
	cd frontend && npm ci --silent && npm run --silent check
	AIGC_BROWSER_REQUIRED=1 pytest

fix:      ## format and mend what can be mended
	ruff check --fix .
	ruff format .
	python -m frontend.engine_types

bench:    ## print the tables that the README quotes
	python -m benchmarks

soak:     ## attack a running studio and print what each attack cost
	python -m benchmarks.soak

kills:    ## kill a small training 200 times, also while it saves, and compare its bits
	python -m benchmarks.kills

shots:    ## screenshots of the page: wide and narrow, light and dark, English and Chinese
	python -m benchmarks.shots

train:    ## train the next embedded model (two processes on the CPU), then its decoder
	OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1 torchrun --standalone --nproc_per_node 2 -m pipelines.training.text_to_image --earlier assets/models/aigc-mini
	python -m pipelines.training.autoencoder
	python -m pipelines.training.text_to_image --export runs/text-to-image/model

graph:    ## write the graphs of the embedded model again, after its architecture has changed
	python -m pipelines.diffusion.exporting assets/models/aigc-mini

cards:    ## make the picture cards of the Create page again, after the embedded model has changed
	python -m pipelines.evaluation.cards
