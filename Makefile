# sheepfs: virtual disks of a Sheepdog cluster as plain files. 'make help' lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

MNT ?= /mnt/sheep
ifeq ($(shell id -u),0)
STORE ?= /var/lib/sheepfs
else
STORE ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/sheepfs
endif
# through the environment, so that no shell reads the names anew
export MNT STORE
MVN ?= mvn -B -ntp
JDK25 := $(firstword $(wildcard /usr/lib/jvm/*-25-*/bin/javac /usr/lib/jvm/*-25/bin/javac))

ARGS ?= -prof gc

# three sheep and ZooKeeper have a place of their own, unless told one
cluster cluster-stop: export STORE := $(if $(filter file,$(origin STORE)),$(STORE)-cluster,$(STORE))
PORT ?= 7000
export PORT

.PHONY: help deps build run stop cluster cluster-stop test torture torture-long bench bench-cache microbench fmt dist clean

help: ## Show this help
	@echo "Targets (variables: MNT=$(MNT) STORE=$(STORE)):"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

deps: ## Install what is missing (Debian packages); nothing if nothing is
	@bash scripts/deps.sh

build: deps ## Compile and collect the programs in bin/
	@$(MVN) -q package -DskipTests
	@bash scripts/archive.sh

run: build ## Mount an embedded store at MNT and show a VDI as a file
	@bash scripts/run.sh "$$MNT" "$$STORE"

stop: ## Flush and unmount MNT
	@bash scripts/stop.sh "$$MNT"

cluster: build ## Start ZooKeeper and three sheep (ports PORT=7000 to 7002) and mount them at MNT
	@bash scripts/cluster.sh "$$MNT" "$$STORE"

cluster-stop: ## Flush and unmount MNT and end that cluster; its data stays in STORE
	@bash scripts/cluster-stop.sh "$$MNT" "$$STORE"

test: deps ## Run all tests, on the default JDK and on JDK 25 if there is one
	@$(MVN) verify
	@if [ -n "$(JDK25)" ] && ! java -version 2>&1 | grep -q 'version "25'; then \
	  echo "Again on $(JDK25:/bin/javac=)"; \
	  JAVA_HOME="$(JDK25:/bin/javac=)" $(MVN) verify; \
	fi

torture: build ## Kill mounts under load, exercise files, look for wrong bytes (ROUNDS, OPERATIONS, SEED)
	@bash scripts/torture.sh

torture-long: build ## That and the random tests in turns, for hours (HOURS, SEED)
	@bash scripts/torture-long.sh

bench: build ## Compare with ext4, qemu-storage-daemon, s3backer and C libfuse3, in one run
	@python3 bench/bench.py

bench-cache: build ## Measure how much of a slow network shows behind the cache
	@bash bench/cache.sh

microbench: build ## Run JMH benchmarks; ARGS are those of JMH
	@bash scripts/microbench.sh $(ARGS)

fmt: ## Format the sources
	@$(MVN) -q spotless:apply

dist: build ## Make dist/target/sheepfs.tar.gz and a .deb
	@bash scripts/dist.sh

clean: ## Remove all that was built
	@$(MVN) -q clean
