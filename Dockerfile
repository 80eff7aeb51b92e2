# Overdue in a small image: one binary, no shell, not root. Its data lives in /data.
#   docker build -t overdue .
#   docker run -p 8000:8000 -v overdue-data:/data overdue

FROM rust:1.95-bookworm AS build
WORKDIR /build
# The dependencies first, against an empty program: this layer lasts until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests benches \
    && echo 'fn main() {}' | tee src/main.rs > build.rs \
    && touch src/lib.rs tests/integration.rs \
    && for bench in $(grep -A 1 '\[\[bench' Cargo.toml | grep -o '[a-z]*"$'); do touch "benches/${bench%\"}.rs"; done \
    && cargo build --release --locked
COPY . .
# Cargo goes by the time of the files: the program's must be newer than the empty one's.
RUN touch build.rs src/main.rs src/lib.rs \
    && cargo build --release --locked \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12
COPY --from=build /build/target/release/overdue /usr/local/bin/overdue
COPY --from=build /build/LICENSE /usr/share/doc/overdue/LICENSE
# The folder belongs to the user that the server runs as, and a new volume takes that over.
COPY --from=build --chown=65532:65532 /data /data
ENV OVERDUE_DATABASE__URL=sqlite:/data/overdue.db
WORKDIR /data
USER 65532:65532
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/overdue", "health"]
ENTRYPOINT ["/usr/local/bin/overdue"]
CMD ["serve"]
