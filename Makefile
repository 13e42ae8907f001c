# `make` without a target lists the targets. Each installs what it needs; a second run is quick.

.DEFAULT_GOAL := help
VERBS := init start forward open status stop restart logs run runs fetch console doctor report hosts config clean aliases completion
.PHONY: help demo demo-cluster demo-stop test test-all check build package wheel executable release bench bench-peers pictures reference $(VERBS)

# npm writes this file at the end of each installation.
PACKAGES := node_modules/.package-lock.json
BUNDLE := dist/cli.cjs
BIN := node_modules/.bin
TSX := node --import tsx

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: make demo          run a server behind a real ssh tunnel, on this machine alone; Ctrl-C ends it
#: make demo-stop     end the demo from another terminal, and clean up after a crash
#: make demo-cluster  the same in a batch job of a small Slurm cluster on this machine (root, Linux)
#: make test          install what the tests need, and run all but the slowest (ONLY=test/ssh: only those below a path)
#: make test-all      also run the slowest: idle timeouts, other versions of Node, a Debian 13
#: make check         check types, lint, shell scripts, Python, unused code and imports
#: make build         build the command and the library, in dist/
#: make package       make remote-notebook-VERSION.tgz, for npm install --global
#: make wheel         make remote_notebook-VERSION-py3-none-any.whl, which brings its own Node, for uv or pipx
#: make executable    make remote-notebook-VERSION-linux-x64.xz, one file with Node in it
#: make release       make all three in release/, with their checksums
#: make pictures      take the pictures of the README again
#: make reference     write docs/reference/verbs.md, the help of each verb, and the tables of docs/troubleshooting.md
#: make bench         measure everything against plain ssh, autossh and papermill, and write docs/benchmarks.md
#:                    (ARGS=verbs one part alone: verbs, far, tunnel, kill, cut, tunnels, cluster or runs)
#: make bench-peers   measure it beside jupyter-forward, sshpyk, autossh and commands by hand, and write docs/comparison.md
#:
#: make start HOST=gpu DIR=rne ENV=virtual_environment
#:                    also NAME= PORT= LOCAL_PORT= COMMAND= SSH_CONFIG= ARGS='--no-browser --timeout 90'
#: make init          set up a server: asks for all of these, tests them and saves them
#: make status        in the same way: forward open stop restart logs doctor report hosts config clean
#:                    aliases completion, with NAME= or HOST=
#: make run NOTEBOOK=train.ipynb HOST=gpu
#:                    execute a notebook there (DIR= ENV=); then: make runs HOST=gpu, make fetch RUN=train-1
#:                    (make console takes RUN=, too; make logs and make stop take NAME=train-1)

$(PACKAGES): package.json package-lock.json
	@sh scripts/setup/node.sh
	@echo 'Installing the packages of package-lock.json' >&2
	@npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

demo: $(PACKAGES)
	@sh scripts/setup/machine.sh demo
	@$(TSX) scripts/demo.ts

demo-cluster: $(BUNDLE)
	@sh scripts/setup/machine.sh demo-cluster
	@$(TSX) scripts/demo-cluster.ts

demo-stop: $(PACKAGES)
	@$(TSX) scripts/demo.ts stop

test test-all: $(BUNDLE)
	@sh scripts/setup/machine.sh $@
	@$(TSX) test/run.ts $(if $(filter test-all,$@),--all) $(ONLY)

check: $(PACKAGES)
	@sh scripts/setup/machine.sh check
	$(BIN)/tsc -p .
	$(BIN)/biome check --error-on-warnings .
	shellcheck -x .ci/run $$(git ls-files '*.sh' '*.bash')
	mypy --strict --python-version 3.8 --no-site-packages --ignore-missing-imports --no-error-summary \
	  --cache-dir node_modules/.cache/mypy src/host
	$(BIN)/knip
	$(TSX) --test test/layers.test.ts

build: $(BUNDLE)

$(BUNDLE): $(PACKAGES) package.json $(wildcard scripts/build/*) $(wildcard src/*.* src/*/* src/*/*/* src/*/*/*/*)
	@$(TSX) scripts/build/bundle.ts

package: $(BUNDLE)
	@npm pack --silent

wheel executable release: $(BUNDLE)
	@sh scripts/setup/machine.sh $@
	@$(TSX) scripts/build/$@.ts

reference: $(BUNDLE)
	@$(TSX) scripts/reference.ts

bench: $(BUNDLE)
	@sh scripts/setup/machine.sh bench
	@$(TSX) test/bench/bench.ts $(ARGS)

bench-peers: $(BUNDLE)
	@sh scripts/setup/machine.sh bench
	@$(TSX) test/bench/peers.ts $(ARGS)

pictures: $(BUNDLE)
	@sh scripts/setup/machine.sh test
	@$(TSX) test/pictures/pictures.ts

# A value applies only if it is on make's own command line, since the environment has its own HOST (tcsh), NAME (WSL)
# and ENV (sh). It is passed unchanged in the environment: neither make nor sh expands anything in it.
PARAMETERS := HOST DIR ENV PORT LOCAL_PORT NAME COMMAND SSH_CONFIG NOTEBOOK RUN
is-given = $(filter command,$(firstword $(origin $1)))
# A misspelt parameter would be ignored, so it is an error. The other targets accept any variable: V=1, CI=1.
KNOWN := $(PARAMETERS) ARGS
unknown := $(filter-out $(KNOWN),$(foreach v,$(.VARIABLES),$(if $(call is-given,$v),$v)))
$(if $(and $(unknown),$(filter $(VERBS),$(MAKECMDGOALS))),$(error unknown parameter $(unknown); use one of: $(KNOWN)))
$(foreach p,$(PARAMETERS),$(if $(call is-given,$p),$(eval export GIVEN_$p := $$(value $p))$(eval unexport $p)))

# $1: parameter, $2: the option that takes it
option = $(if $(GIVEN_$1),$2"$$GIVEN_$1")
target = $(call option,$(if $(GIVEN_HOST),HOST,NAME))
settings = $(call option,NAME,--name=) $(call option,DIR,--directory=) $(call option,ENV,--environment=) \
  $(call option,PORT,--port=) $(call option,LOCAL_PORT,--local-port=) $(call option,COMMAND,--command=)
ssh-config = $(call option,SSH_CONFIG,-F)

init start doctor aliases: words = $(target) $(settings) $(ssh-config)
forward open status stop restart logs report: words = $(call option,$(if $(GIVEN_NAME),NAME,HOST)) $(ssh-config)
hosts: words = $(ssh-config)
run: words = $(call option,NOTEBOOK) $(target) $(if $(GIVEN_HOST),$(call option,NAME,--name=)) $(call option,DIR,--directory=) \
  $(call option,ENV,--environment=) $(ssh-config)
runs: words = $(call option,HOST) $(ssh-config)
fetch console: words = $(call option,RUN)

$(VERBS): $(PACKAGES)
	@npx zx scripts/$@.ts $(words) $(ARGS)
