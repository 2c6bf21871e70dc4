"""What Streamlit runs. The file named on the command line says where the API is and holds the key."""

import json
import sys
from pathlib import Path

from dashboard.app import show
from dashboard.client import Client

access = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
show(Client(access["api"], access["api_key"]))
