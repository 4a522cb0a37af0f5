"""A stand-in for the SageMaker container: loads an extracted archive as Hugging Face's toolkit does, and serves it.

Run by its path as ``python -I -S container.py MODEL_DIR LIBRARIES``, so nothing is importable but the standard library,
what LIBRARIES holds (numpy) and the archive's code. Prints its port. ``/ping`` says whether the model is loaded,
``/invocations`` hands the body over, and whatever is raised becomes a 400 with its text, as in handler_service.py.
"""

import importlib
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

MODEL_DIR, LIBRARIES = sys.argv[1:]
sys.path.append(LIBRARIES)
sys.path.insert(0, f"{MODEL_DIR}/code")
inference = importlib.import_module("inference")
model = inference.model_fn(MODEL_DIR)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        outside = sorted(
            name
            for name, module in sys.modules.items()
            if name.split(".")[0] in ("autoir", "inference")
            and not (module.__file__ or "").startswith(f"{MODEL_DIR}/code/")
        )
        third = sorted(
            {
                name.split(".")[0]
                for name, module in sys.modules.items()
                if (getattr(module, "__file__", None) or "").startswith(LIBRARIES)
            }
        )
        self.answer(200 if self.path == "/ping" else 404, json.dumps({"outside": outside, "third": third}))

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        if self.path != "/invocations":
            return self.answer(404, "{}")
        try:
            text = inference.transform_fn(model, data, self.headers["Content-Type"], "application/json")
            return self.answer(200, text)
        except Exception as error:  # noqa: BLE001 - as the toolkit does
            return self.answer(400, str(error))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
