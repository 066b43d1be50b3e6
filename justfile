# Everyday recipes. `just` alone lists them; each is one line, and works without just, too.

_default:
    @just --list

# Start everything and serve until Ctrl-C
run:
    cargo xtask run

# Start everything and run every test; arguments go to cargo test
test *arguments:
    cargo xtask test {{arguments}}

# The dinner rush against the running server, or one of its own
rush *arguments:
    cargo xtask rush {{arguments}}

# Benchmarks: all of those that have a page, or overload, outbox, orders, login, reads
bench *arguments:
    cargo xtask bench {{arguments}}

# Break what Comanda depends on, under load
faults *arguments:
    cargo xtask faults {{arguments}}

# Crash PostgreSQL under load, again and again
crashes *arguments:
    cargo xtask crashes {{arguments}}

# The last version that landed beside this one
upgrade *arguments:
    cargo xtask upgrade {{arguments}}

# Clients generated from openapi.json, in three languages
clients:
    cargo xtask clients

# The guide as a book, with every example run
guide:
    cargo xtask guide

# Every operation of openapi.json, as everybody, with whatever
conform *arguments:
    cargo xtask conform {{arguments}}

# Bytes from anybody, for a while
fuzz *arguments:
    cargo xtask fuzz {{arguments}}

# Format the code
format:
    cargo fmt

# Compiler warnings and clippy
lint:
    cargo clippy --workspace --exclude comanda-browser-tests --all-targets -- -D warnings
    cargo clippy --package comanda-browser-tests --all-targets -- -D warnings

# The API of the crates as pages, opened in a browser
docs:
    cargo doc --workspace --no-deps --open

# Everything that must pass before a change lands
ci:
    .ci/run
