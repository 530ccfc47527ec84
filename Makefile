# `make demo` and `make test` set everything up on a fresh machine: Python 3.11 or newer, make, gcc.
PYTHON ?= python3
BIN := .venv/bin
# Two workers on two cores: compilation is most of the suite's time, and the tests of a file share programs.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --durations=30

.PHONY: demo test suite test-slow test-xla test-python lint format wheel docs docs-quick bench experiments-quick gpu-report clean

demo: .venv/ready
	$(BIN)/python experiments/demo.py --out results/demo

# What the numbers hang on (marked so) is compiled as a user's programs are, the rest by the older generator of fused
# loops and without optimisation, in half of the time. Only jax 0.10 has the former, and XLA ends the process at a flag
# that it does not know.
OLDER := import jax; print("--xla_backend_optimization_level=0" \
	+ " --xla_cpu_use_fusion_emitters=false" * (jax.__version_info__[:2] == (0, 10)))

test: lint suite

# Those marked so are in few files: gathering all the others would take longer than running them.
NUMBERS = $(shell grep -rl --include='*.py' 'mark\.numbers' tests)
suite: .venv/ready
	$(PYTEST) -m "numbers and not slow" $(NUMBERS)
	XLA_FLAGS="$$($(BIN)/python -c '$(OLDER)')" $(PYTEST) -m "not numbers and not slow"
	JAXNN_SOLVE=xla $(PYTEST) -m "not slow" $(BY_XLA)

# A sample for CI; `make test-xla` runs everything without the compiled library.
BY_XLA := tests/simulation/test_numpy_simulator.py tests/kernels/test_injected_current.py
test-xla: lint
	JAXNN_SOLVE=xla $(PYTEST) -m "not slow"

# Other interpreters, as far as they are here: PYTHONS="3.12 3.13"; SUITE=tests for all of the suite.
test-python:
	.ci/test-python

test-slow: .venv/ready
	$(PYTEST) -m slow

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The wheel, installed away from the source, must work and hold exactly our two packages.
wheel: .venv/ready
	rm -rf dist build/wheel
	$(BIN)/python -m build --wheel --outdir dist .
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/pip install --quiet --upgrade pip
	build/wheel/bin/pip install --quiet dist/*.whl
	cd build && wheel/bin/python -I ../tests/smoke_wheel.py ../dist/*.whl

# The documentation as a site, in build/site; a warning fails. Nothing on it is fetched from elsewhere.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
docs: .venv/docs
	$(SITE)

.venv/docs: .venv/ready
	$(BIN)/pip install --quiet --group docs
	touch $@

# For CI: the programs of the tutorials are compiled as those of the tests are.
docs-quick: .venv/docs
	QUICK=1 XLA_FLAGS="$$($(BIN)/python -c '$(OLDER)')" $(SITE)

bench: .venv/ready
	$(BIN)/pip install --quiet --group benchmark
	$(BIN)/python experiments/benchmarks/benchmark.py --out results/benchmark
	$(BIN)/python experiments/benchmarks/sweep_throughput.py --out results/sweep_throughput

# The reproductions of the paper's figures, each in its quick mode.
FIGURES := activation winner_takes_all avalanches driven_avalanches lyapunov_map lyapunov_settings \
	scheme_chaos waveform_transformation adaptation
experiments-quick: .venv/ready
	mkdir -p results/quick
	printf '%s\n' $(FIGURES) | xargs -P 2 -I NAME sh -c \
		'$(BIN)/python experiments/hochstetter2021/NAME.py --quick --out results/quick/NAME > results/quick/NAME.log 2>&1 \
		|| { cat results/quick/NAME.log; exit 255; }'

# Compiles for an H100 that need not be there: 4.4 GB of CUDA libraries, in an environment of its own.
gpu-report: .venv-gpu/ready
	PYTHONPATH=.:kernels .venv-gpu/bin/python experiments/benchmarks/gpu_report.py --out results/gpu_report.md

.venv-gpu/ready: pyproject.toml
	$(PYTHON) -m venv .venv-gpu
	.venv-gpu/bin/pip install --quiet "jax[cuda13]==0.10.1" equinox jaxtyping scipy networkx optax matplotlib tqdm
	touch $@

# Dependency groups need a newer pip than Python 3.11 brings along.
.venv/installed: pyproject.toml hatch_build.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable . --group dev
	touch $@

# Installing compiles the nodal solve, too, where there is a C++ compiler; this is for what changes after it.
.venv/ready: .venv/installed $(wildcard kernels/native/*)
	$(BIN)/python kernels/native/build.py || echo "The slower nodal solve will run: no C++ compiler."
	touch $@

clean:
	rm -rf .venv .venv-gpu build dist results
