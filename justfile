# Everyday recipes. `just` alone lists them; each is one line, and works without just, too.

_default:
    @just --list

# Bring everything up and serve until Ctrl-C
run:
    cargo xtask run

# Bring everything up and run every test; arguments go to cargo test
test *arguments:
    cargo xtask test {{arguments}}

# The dinner rush against the running server, or one of its own
rush *arguments:
    cargo xtask rush {{arguments}}

# Placing orders over HTTP beside pgbench; or: login, reads, overload, outbox
bench what="orders":
    cargo xtask bench {{what}}

# Break what Comanda stands on, under load
faults *arguments:
    cargo xtask faults {{arguments}}

# Format the code
format:
    cargo fmt

# What the compiler and clippy have to say
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# The API of the crates as pages, opened in a browser
docs:
    cargo doc --workspace --no-deps --open

# Everything that must pass before a change lands
ci:
    .ci/run
