# make demo      grade a simulated teaching case and show the result beside the truth
# make test      check the style and run every test
# make evaluate  measure the models on the real data and write docs/results.md
# make simulator set simulated patients beside real ones and write docs/simulator.md
# make train     train the models from the real data
# make recipes   reproduce the five founding papers with the small budget and write docs/reproduction.md
# make tour      photograph the panel for docs/tutorial.md
# make bench     time a grading, stage by stage, simulated studies, a cohort with one worker and with two, and training
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
# What reads, independently of us, that which others will read: a browser, checkers of DICOM, a PACS.
READERS := chromium dcmtk dicom3tools openssl orthanc orthanc-dicomweb poppler-utils
HAS_READERS = PATH="$$PATH:/usr/sbin"; for program in chromium dsrdump dciodvfy openssl Orthanc pdftoppm; do \
	command -v $$program >/dev/null || exit 1; done; test -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so

.PHONY: demo test evaluate simulator train recipes tour bench graphics readers clean

demo: $(READY)
	$(RUN) -m ModicGraderLib simulate --output $(SAMPLE) --seed 7 --case mixed-findings
	$(RUN) -m ModicGraderLib grade --t1 $(SAMPLE)/t1.nii.gz --t2 $(SAMPLE)/t2.nii.gz --output $(RESULT)
	$(RUN) -m ModicGraderLib compare $(RESULT)/report.json $(SAMPLE)/truth.json

test: $(READY) graphics readers
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n logical --dist loadfile

evaluate: $(READY)
	$(RUN) -m ModicGraderLib.evaluation

simulator: $(READY)
	$(RUN) -m ModicGraderLib.evaluation --simulator

train: $(READY)
	$(RUN) -m ModicGraderLib.training

# Gao's recipe learns from outlines of changes, which SPIDER has not: what simulated patients taught it is measured there.
recipes: $(READY)
	$(RUN) -m ModicGraderLib reproduce all --data simulated --budget small -o runs/recipes/simulated --processes 2
	$(RUN) -m ModicGraderLib reproduce all --data spider --budget small -o runs/recipes/spider --processes 2
	$(RUN) -m ModicGraderLib reproduce gao2022 --data spider --budget small -o runs/recipes/spider \
		--pretrained runs/recipes/simulated/gao2022/fold0/gao2022.safetensors
	$(RUN) -m ModicGraderLib.evaluation --reproduction runs/recipes/simulated runs/recipes/spider

tour: $(READY) graphics
	PYTHONPATH=.:Testing $(RUN) Testing/tour.py docs

bench: $(READY)
	$(RUN) Testing/benchmarks/grading_time.py
	$(RUN) Testing/benchmarks/simulation_time.py
	$(RUN) Testing/benchmarks/cohort_throughput.py
	$(RUN) Testing/benchmarks/training_step.py

# Root installs what the tests need beside Python's packages; others are told. The tests start a PACS of their own, so
# that a service of the system, which Debian starts on installing one, has no use.
graphics: $(READY)
	@$(HAS_GRAPHICS) || $(call install,$(GRAPHICS)) && $(HAS_GRAPHICS) || $(call missing,$(GRAPHICS))

readers:
	@($(HAS_READERS)) || { $(call install,$(READERS)) && { systemctl disable --now orthanc 2>/dev/null; ($(HAS_READERS)); }; } \
		|| $(call missing,$(READERS))

install = { [ "$$(id -u)" = 0 ] && apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $(1) >/dev/null; }
missing = { echo "this needs: apt-get install $(1)" >&2; exit 1; }

# Made anew whenever the pinned versions change, and reused otherwise.
$(READY): requirements.lock pyproject.toml setup.py
	@echo "Installing the pinned packages into $(VENV); the first time this takes a few minutes."
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) output build
