# The gateway: no TensorFlow. Built from the root of the project.
FROM python:3.13-slim
COPY . /src
RUN pip install --no-cache-dir "/src[gateway]" && rm -rf /src
USER 65534
EXPOSE 50051 8080
ENTRYPOINT ["python", "-m", "sketcher_tf.serving.gateway"]
