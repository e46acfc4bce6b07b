# Headstart as a container: built with a JDK and Maven, run on a small Java runtime, as nobody special.
#
#   docker build -t headstart .
#   docker run -p 8080:8080 -p 9000:9000 -v headstart:/data headstart
#   docker run --rm -v headstart:/data headstart keys add me --role admin

FROM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /build
COPY pom.xml ./
COPY .mvn .mvn
COPY models models
COPY runtime runtime
COPY server server
COPY bench/pom.xml bench/pom.xml
RUN --mount=type=cache,target=/root/.m2 \
    mvn -q -B -pl server -am -Dmaven.test.skip=true -Dspotless.check.skip=true package

FROM eclipse-temurin:17-jre-jammy
# What the native libraries need, and the health check.
RUN apt-get update && apt-get install -y --no-install-recommends curl libgomp1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin headstart \
    && install -d -o headstart -g headstart /data /var/cache/headstart \
    && install -d /opt/headstart/server/target
WORKDIR /opt/headstart
COPY headstart LICENSE NOTICE ./
COPY examples examples
COPY --from=build /build/server/target/headstart.jar server/target/headstart.jar
COPY --from=build /build/server/target/lib server/target/lib
# Starts once and stops: proof that it runs, and the archive of classes, as the file system may be
# read-only later.
RUN HEADSTART_OPTS=-Dheadstart.rehearsal=true HEADSTART_CACHE=/tmp/cache \
    ./headstart serve --port 0 --grpc-port 0 --workspace /tmp/workspace \
    && rm -rf /tmp/cache /tmp/workspace
ENV HEADSTART_HOME=/data \
    HEADSTART_CACHE=/var/cache/headstart \
    HEADSTART_NO_BUILD=1
# With a read-only root: --read-only --tmpfs /tmp --tmpfs /var/cache/headstart:exec,uid=10001
VOLUME ["/data", "/var/cache/headstart"]
USER 10001
EXPOSE 8080 9000
# With TLS: another check, such as curl -fsSk https://127.0.0.1:8080/health/readiness
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD curl -fsS http://127.0.0.1:8080/health/readiness || exit 1
ENTRYPOINT ["/opt/headstart/headstart"]
CMD ["serve", "--host", "0.0.0.0"]
