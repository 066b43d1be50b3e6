//! Decorators over ports: each implements a port by wrapping one, so neither the domain nor the adapters know of them.
