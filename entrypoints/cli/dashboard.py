"""`casepilot dashboard`: Streamlit on the dashboard's page."""

import sys
import tempfile
from pathlib import Path

import msgspec
from streamlit.web import bootstrap

from entrypoints.lifeline import die_with_parent
from entrypoints.settings import ApiAccess

PAGE = Path(__file__).parent.parent.parent / "dashboard" / "main.py"
OPTIONS = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
}


def dashboard(access: ApiAccess, port: int) -> None:
    """Serve until SIGTERM or SIGINT. The key reaches the page in a file that only we may read."""
    die_with_parent(access.parent)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:  # made with mode 0600
        file.write(msgspec.json.encode({"api": access.api, "api_key": access.api_key}))
        file.flush()
        sys.argv = [str(PAGE), file.name]
        options = OPTIONS | {"server.port": port}
        bootstrap.load_config_options({name.replace(".", "_"): value for name, value in options.items()})
        bootstrap.run(str(PAGE), False, [file.name], {})  # noqa: FBT003  # Streamlit's own signature
