# syntax=docker/dockerfile:1
# An image whose programs can run on Trestle: docker build -t trestle . && docker run --rm trestle run -- ls
# The tool and the libraries are installed under /usr/local; add the program to run in an image made from this one.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /source
# Packages first, so that a change of the sources does not install them again.
COPY ci/setup.sh ci/setup.sh
RUN ci/setup.sh run
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY lib lib
COPY tools tools
RUN cmake --preset release -DTRESTLE_BUILD_TESTS=OFF \
    && cmake --build --preset release \
    && cmake --install build/release --prefix /opt/trestle --strip

FROM ${BASE}
COPY --from=build /opt/trestle /usr/local
RUN ldconfig && useradd --create-home --shell /usr/sbin/nologin trestle
USER trestle
WORKDIR /home/trestle
ENTRYPOINT ["trestle"]
CMD ["--help"]
