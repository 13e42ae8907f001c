# `make` alone says what there is. Everything installs what it needs; a second run is quick.

.DEFAULT_GOAL := help
VERBS := init start forward open status stop restart logs doctor hosts config clean aliases completion
.PHONY: help demo demo-stop test test-all check build package bench pictures reference $(VERBS)

# npm writes this file at the end of each installation.
PACKAGES := node_modules/.package-lock.json
BUNDLE := dist/cli.cjs
BIN := node_modules/.bin
TSX := node --import tsx

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: make demo          a server behind a real ssh tunnel, on this machine alone; Ctrl-C ends it
#: make demo-stop     end it from another terminal, and what a crash has left
#: make test          install what the tests need, run those that every change needs (ONLY=test/ssh: those below a path)
#: make test-all      the same with all that is slow by nature: idle time-outs, more Nodes, a Debian 13
#: make check         types, lint, shell scripts, unused code, layers
#: make build         dist/: the command and the library
#: make package       remote-notebook-VERSION.tgz, for npm install --global
#: make pictures      the pictures of the README, taken anew
#: make reference     docs/reference/verbs.md, the help of each verb
#: make bench         what everything costs beside plain ssh and autossh, into docs/benchmarks.md
#:                    (ARGS=verbs one part alone: verbs, far, kill, cut, tunnels or throughput)
#:
#: make start HOST=gpu DIR=rne ENV=virtual_environment PORT=8889
#:                    also NAME= LOCAL_PORT= COMMAND= SSH_CONFIG= ARGS='--no-browser --timeout 90'
#: make init          the first time: asks for all of that, tries it, and writes it down
#: make status        likewise: forward open stop restart logs doctor hosts config clean aliases completion, with NAME= or HOST=

$(PACKAGES): package.json package-lock.json
	@sh scripts/setup/node.sh
	@npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

demo: $(PACKAGES)
	@sh scripts/setup/machine.sh demo
	@$(TSX) scripts/demo.ts

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
	$(BIN)/knip
	$(TSX) --test test/layers.test.ts

build: $(BUNDLE)

$(BUNDLE): $(PACKAGES) package.json $(wildcard scripts/build/*) $(wildcard src/*.ts src/*/* src/*/*/*)
	@$(TSX) scripts/build/bundle.ts

package: $(BUNDLE)
	@npm pack --silent

reference: $(BUNDLE)
	@$(TSX) scripts/reference.ts

bench: $(BUNDLE)
	@sh scripts/setup/machine.sh bench
	@$(TSX) test/bench/bench.ts $(ARGS)

pictures: $(BUNDLE)
	@sh scripts/setup/machine.sh test
	@$(TSX) test/pictures/pictures.ts

# A value counts only when it stands on make's own command line, since the environment has its own HOST (tcsh),
# NAME (WSL) and ENV (sh). It travels as it was typed, in the environment: neither make nor sh reads into it.
PARAMETERS := HOST DIR ENV PORT LOCAL_PORT NAME COMMAND SSH_CONFIG
is-given = $(filter command,$(firstword $(origin $1)))
# One that is misspelt would be a start without it. The other targets take what any make is given: V=1, CI=1.
KNOWN := $(PARAMETERS) ARGS
unknown := $(filter-out $(KNOWN),$(foreach v,$(.VARIABLES),$(if $(call is-given,$v),$v)))
$(if $(and $(unknown),$(filter $(VERBS),$(MAKECMDGOALS))),$(error there is no parameter $(unknown); it is one of: $(KNOWN)))
$(foreach p,$(PARAMETERS),$(if $(call is-given,$p),$(eval export GIVEN_$p := $$(value $p))$(eval unexport $p)))

# $1: parameter, $2: the option that takes it
option = $(if $(GIVEN_$1),$2"$$GIVEN_$1")
target = $(call option,$(if $(GIVEN_HOST),HOST,NAME))
settings = $(call option,NAME,--name=) $(call option,DIR,--directory=) $(call option,ENV,--environment=) \
  $(call option,PORT,--port=) $(call option,LOCAL_PORT,--local-port=) $(call option,COMMAND,--command=)
ssh-config = $(call option,SSH_CONFIG,-F)

init start doctor aliases: words = $(target) $(settings) $(ssh-config)
forward open status stop restart logs: words = $(call option,$(if $(GIVEN_NAME),NAME,HOST)) $(ssh-config)
hosts: words = $(ssh-config)

$(VERBS): $(PACKAGES)
	@npx zx scripts/$@.ts $(words) $(ARGS)
