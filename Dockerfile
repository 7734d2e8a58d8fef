# One image for web, worker, scheduler and migration; a second, small one for the resolver.
# What the machine's administrator supplies at run time: secrets (deploy/make-secrets) and names.

FROM node:22-bookworm-slim AS frontend
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM debian:bookworm-slim AS fonts
WORKDIR /tmp/fonts
# Only the Fandol faces are taken out of the TeX package; nothing of TeX is installed.
RUN apt-get update \
    && apt-get download texlive-lang-chinese \
    && dpkg-deb -x texlive-lang-chinese_*.deb x \
    && mkdir /fonts \
    && cp x/usr/share/texlive/texmf-dist/fonts/opentype/public/fandol/*.otf /fonts/ \
    && rm -rf /tmp/fonts /var/lib/apt/lists/*

FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH
# hadolint ignore=DL3008 # Debian's stable release is the pin; its security updates are wanted
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app

FROM base AS build
COPY requirements.txt ./
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY manage.py ./
COPY emailsec ./emailsec
COPY standards ./standards
COPY audit ./audit
COPY inventory ./inventory
COPY accounts ./accounts
COPY inbox ./inbox
COPY scans ./scans
COPY assessments ./assessments
COPY rectification ./rectification
COPY reports ./reports
COPY dashboards ./dashboards
COPY templates ./templates
COPY static ./static
COPY tools ./tools
COPY --from=frontend /build/node_modules ./node_modules
# The values satisfy the refusal of an unsafe start for this one command; none is kept.
RUN python -m tools.frontend --collect-only \
    && random="$(python -c 'import secrets; print(secrets.token_hex(32))')" \
    && EMAILSEC_ENV=production ALLOWED_HOSTS=build.invalid PUBLIC_URL=https://build.invalid \
        SECRET_KEY="$random" AUDIT_KEY="$random$random" FACTOR_KEYS="$random-$random" \
        FILE_KEYS="$(python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())')" \
        DATABASE_URL="postgresql://build:$random@build.invalid/build" \
        REDIS_URL="redis://:$random@build.invalid/0" \
        python manage.py collectstatic --no-input \
    && rm -rf node_modules tools \
    && python -m compileall -q /app

FROM base AS portal
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin portal \
    && install -d -o 10001 -g portal /app/var/uploads /app/var/audit
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --from=fonts /fonts /app/var/fonts
COPY deploy/healthcheck.py /app/healthcheck.py
ENV EMAILSEC_ENV=production
# By number, so that an orchestrator can see that it is not root.
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "/app/healthcheck.py"]
# Addresses are logged without their query, which may carry the code of a log-in.
# A control socket would be one more way in; /dev/shm keeps the heartbeat files off the disk.
CMD ["gunicorn", "emailsec.wsgi:application", "--bind=0.0.0.0:8000", "--workers=3", \
     "--threads=4", "--timeout=60", "--access-logfile=-", "--no-control-socket", \
     "--worker-tmp-dir=/dev/shm", "--access-logformat=%(h)s %(m)s %(U)s %(s)s %(B)s %(L)s"]

FROM debian:bookworm-slim AS resolver
# hadolint ignore=DL3008 # as above
RUN apt-get update \
    && apt-get install -y --no-install-recommends unbound dns-root-data \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/unbound.conf /etc/unbound/unbound.conf
# hadolint ignore=DL3066 # the package gives the account its number
USER unbound
EXPOSE 5353/udp 5353/tcp
HEALTHCHECK --interval=30s --timeout=3s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5353"]
CMD ["unbound", "-d", "-c", "/etc/unbound/unbound.conf"]
