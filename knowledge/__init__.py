"""Documents in, the right passage out. Floor: the first house; it knows nothing of the assistant."""

import os

# Nothing here phones home. ONNX Runtime's own wheels tell their maker of each start and model, unless this is set
# before anybody imports it, be it a library (since 1.29: https://github.com/microsoft/onnxruntime/pull/27379).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
