# An image that runs programs on Trestle, and Trestle's own harnesses on itself:
#   docker build -t trestle .
#   docker run --rm trestle run -- ls
#   docker run --rm -v trestle-corpus:/corpus trestle fuzz heap_ops --seconds 60
# The entry point is the tool. What the fuzzers find stays on the volume /corpus.
ARG BASE=docker.io/library/debian:12-slim

FROM ${BASE} AS build
WORKDIR /source
# Packages first, so that a change of the sources does not install them again.
COPY ci/setup.sh ci/setup.sh
RUN ci/setup.sh harness
COPY . .
# First as a user would install it, then the harnesses. The fuzz targets keep their symbols, for the reports.
RUN cmake --preset release -DTRESTLE_BUILD_TESTS=OFF \
    && cmake --build --preset release \
    && cmake --install build/release --prefix /opt/trestle --strip \
    && ci/build.sh release installed_tests installed_workloads conform_kit \
    && cmake --install build/release --prefix /opt/trestle --component harness --strip \
    && ci/build.sh fuzz \
    && cmake --install build/fuzz --prefix /opt/trestle --component harness \
    && rm -rf build
# A sanitizer's report names functions and lines by this; LLVM's own symbolizer is a hundred times its size.
RUN cp --dereference /usr/bin/addr2line /opt/trestle/bin/ \
    && ldd /usr/bin/addr2line | awk '/libbfd|libsframe/ {print $3}' | xargs cp --dereference --target-directory=/opt/trestle/lib

FROM ${BASE}
# What a workload is linked with, and the allocators that `trestle bench` compares.
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends libbenchmark1debian libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/trestle /usr/local
RUN ldconfig && addr2line --version >/dev/null \
    && useradd --uid 1000 --create-home --shell /usr/sbin/nologin trestle \
    && install -d -o trestle -g trestle /corpus
ENV TRESTLE_CORPUS=/corpus ASAN_OPTIONS=external_symbolizer_path=/usr/local/bin/addr2line
VOLUME /corpus
USER trestle
WORKDIR /home/trestle
ENTRYPOINT ["trestle"]
CMD ["--help"]
