"""Tell which modules the tests ran nothing of: standard input is the JSON report of coverage."""

import json
import sys

idle, ran = [], 0
for path, report in json.load(sys.stdin)["files"].items():
    # Lines outside functions run when a module is imported; they are under no name.
    functions = [part["executed_lines"] for name, part in report["functions"].items() if name]
    if functions and not any(functions):
        idle.append(path)
    ran += 1
print(f"of {ran} modules, none of whose functions are called: {', '.join(sorted(idle)) or 'none'}")
