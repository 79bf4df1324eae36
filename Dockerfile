# One image for the waiting room, the sidecar and the demonstration app; the command tells which.
FROM python:3.13-slim

WORKDIR /opt/waitroom

# The libraries change seldom and cost minutes, so they are a layer of their own.
COPY requirements.txt .
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt

COPY traefik traefik
COPY waitroom waitroom
COPY sidecar sidecar

# The root file system is read-only when it runs, so the byte code is made now. A new volume takes
# its owner from the folder that it is mounted on: these are the user's, and so will the volumes be.
RUN python -m compileall -q traefik waitroom sidecar \
    && install -d -o 65532 -g 65532 /data /routes /logs

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

USER 65532:65532
CMD ["python", "-m", "waitroom"]
