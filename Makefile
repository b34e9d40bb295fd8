# make demo      grade a simulated teaching case and show the result beside the truth
# make test      check the style and run every test
# make evaluate  measure the models on the real data and write docs/results.md
# make simulator set simulated patients beside real ones and write docs/simulator.md
# make train     train the models from the real data
# make recipes   reproduce the five founding papers with the small budget and write docs/reproduction.md
# make tour      photograph the panel for docs/tutorial.md
# make bench     time a grading, stage by stage, and simulated studies
#
# The real data are read from ../shared/data, or from the folder that MODICGRADER_DATA names.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/ready
SAMPLE := output/sample
RESULT := output/demo

GRAPHICS := libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 fonts-dejavu-core
HAS_GRAPHICS = QT_QPA_PLATFORM=offscreen $(RUN) -c "from PySide6.QtGui import QFontDatabase, QGuiApplication; \
	application = QGuiApplication([]); assert QFontDatabase.families()" 2>/dev/null

.PHONY: demo test evaluate simulator train recipes tour bench graphics clean

demo: $(READY)
	$(RUN) -m ModicGraderLib simulate --output $(SAMPLE) --seed 7 --case mixed-findings
	$(RUN) -m ModicGraderLib grade --t1 $(SAMPLE)/t1.nii.gz --t2 $(SAMPLE)/t2.nii.gz --output $(RESULT)
	$(RUN) -m ModicGraderLib compare $(RESULT)/report.json $(SAMPLE)/truth.json

test: $(READY) graphics
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pytest

evaluate: $(READY)
	$(RUN) -m ModicGraderLib.evaluation

simulator: $(READY)
	$(RUN) -m ModicGraderLib.evaluation --simulator

train: $(READY)
	$(RUN) -m ModicGraderLib.training

# Gao's recipe needs outlines of changes, which SPIDER has not, so that the second call ends with an error after the rest.
recipes: $(READY)
	$(RUN) -m ModicGraderLib reproduce all --data simulated -o runs/recipes/simulated --processes 2
	-$(RUN) -m ModicGraderLib reproduce all --data spider -o runs/recipes/spider --processes 2
	$(RUN) -m ModicGraderLib.evaluation --reproduction runs/recipes/simulated runs/recipes/spider

tour: $(READY) graphics
	PYTHONPATH=.:Testing $(RUN) Testing/tour.py docs

bench: $(READY)
	$(RUN) Testing/benchmarks/grading_time.py
	$(RUN) Testing/benchmarks/simulation_time.py

# The tests that draw a scene or the panel off screen fail without these; root installs them, others are told.
graphics: $(READY)
	@$(HAS_GRAPHICS) || { [ "$$(id -u)" = 0 ] && apt-get -qq update && \
		apt-get -qq install --yes --no-install-recommends $(GRAPHICS) >/dev/null && $(HAS_GRAPHICS); } || \
		{ echo "make test draws off screen and needs: apt-get install $(GRAPHICS)" >&2; exit 1; }

# Made anew whenever the pinned versions change, and reused otherwise.
$(READY): requirements.lock pyproject.toml setup.py
	@echo "Installing the pinned packages into $(VENV); the first time this takes a few minutes."
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) output build
