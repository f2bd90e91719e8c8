# The digest pins the base image: the tag alone can change between two builds. To move to a newer base, pull its tag and
# copy the digest: docker pull node:24-slim && docker inspect --format '{{index .RepoDigests 0}}' node:24-slim
ARG BASE=node:24.21.0-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
FROM ${BASE} AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM ${BASE}
WORKDIR /app
# Compiled code is kept beside the stores: a faster start in less memory. "container" has errors about files name the cure for
# a mounted folder.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/data/cache container=oci
COPY --from=modules /app/node_modules node_modules
COPY package.json LICENSE ./
COPY config config
COPY src src
# Config, registration and stores: keep this folder.
RUN mkdir /data && chown 1000:1000 /data && ln -s /data data
VOLUME /data
USER 1000:1000
STOPSIGNAL SIGTERM
EXPOSE 9993
# Asks where health.listen is unless the config says otherwise: 127.0.0.1:9995.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
	CMD ["node", "-e", "fetch('http://127.0.0.1:9995/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/main.ts"]
CMD ["run"]
