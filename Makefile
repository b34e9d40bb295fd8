# make demo      grade a sample study that the project makes itself
# make test      check the style and run every test
# make evaluate  measure the models on the real data and write docs/results.md
# make train     train the models from the real data
# make bench     time a grading, stage by stage
#
# The real data are read from ../shared/data, or from the folder that MODICGRADER_DATA names.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/ready
SAMPLE := output/sample
RESULT := output/demo

.PHONY: demo test evaluate train bench clean

demo: $(READY)
	$(RUN) -m ModicGraderLib simulate --output $(SAMPLE) --seed 7
	$(RUN) -m ModicGraderLib grade --t1 $(SAMPLE)/t1.nii.gz --t2 $(SAMPLE)/t2.nii.gz --output $(RESULT)

test: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pytest

evaluate: $(READY)
	$(RUN) -m ModicGraderLib.evaluation

train: $(READY)
	$(RUN) -m ModicGraderLib.training

bench: $(READY)
	$(RUN) Testing/benchmarks/grading_time.py

# Made anew whenever the pinned versions change, and reused otherwise.
$(READY): requirements.lock pyproject.toml setup.py
	@echo "Installing the pinned packages into $(VENV); the first time this takes a few minutes."
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) output build
