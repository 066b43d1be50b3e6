# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
# What `comanda_build_info` and the log say: docker build --build-arg COMANDA_COMMIT=$(git rev-parse HEAD) .
ARG COMANDA_COMMIT
ENV COMANDA_COMMIT=$COMANDA_COMMIT
# The caches outlive a build, so a change compiles only what depends on it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --package comanda-server \
    && cp target/release/comanda /usr/local/bin/comanda

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Comanda" \
      org.opencontainers.image.description="The HTTP backend of a restaurant" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# curl is for the health check.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin comanda
COPY --from=build /usr/local/bin/comanda /usr/local/bin/comanda
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/comanda/
USER 10001
ENV BIND_ADDR=0.0.0.0:8080 LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/health/ready"]
# SIGTERM drains: allow DRAIN_SECONDS and SHUTDOWN_TIMEOUT_MS before SIGKILL.
STOPSIGNAL SIGTERM
ENTRYPOINT ["comanda"]
CMD ["serve"]
