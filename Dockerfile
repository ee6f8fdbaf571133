# Simfra's images. The sidecar comes first, so that building it alone builds nothing else.
ARG BASE_IMAGE=debian:bookworm-slim
ARG PYTHON_IMAGE=python:3.12-slim

# The one image of Simfra's own containers: pause, VPC gateway, load balancer.
FROM ${BASE_IMAGE} AS sidecar
# Certificates of a company's proxy, if there is one; the folder is empty otherwise.
COPY docker/ca/ /usr/local/share/ca-certificates/
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        ca-certificates conntrack curl haproxy iproute2 nftables python3-minimal python3-dnslib python3-h2 socat \
 && update-ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY sidecar/ /opt/simfra/sidecar/
ENV PYTHONPATH=/opt/simfra PYTHONUNBUFFERED=1

# The control plane, one image for each of its processes.
FROM ${PYTHON_IMAGE} AS app
COPY docker/ca/ /usr/local/share/ca-certificates/
RUN if command -v update-ca-certificates > /dev/null; then update-ca-certificates; fi
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    PYTHONUNBUFFERED=1
WORKDIR /simfra
COPY manage.py requirements.txt ./
RUN python3 manage.py install && rm -rf /root/.cache
ENV PATH=/simfra/.venv/bin:$PATH
COPY package.json package-lock.json ./
COPY simfra/ simfra/
RUN python -m simfra.stack.javascript
COPY aws_api/ aws_api/
COPY console/ console/
COPY workers/ workers/
EXPOSE 4599 4600
CMD ["python", "-m", "simfra.stack.processes", "gateway"]
