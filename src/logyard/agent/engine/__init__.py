"""The Docker Engine API, as Docker and Podman both speak it."""
