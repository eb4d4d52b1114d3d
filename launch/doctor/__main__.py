"""`launch/doctor.sh`: what is wrong with this machine for causalfm, and what to do about it."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from finding import Finding, Verdict, within
import machine
import program
import run_folder

STORAGE_ERROR, USAGE_ERROR = 6, 2


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="launch/doctor.sh", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("."), help="where runs will be written (default: here)")
    parser.add_argument("--deadline", type=float, default=60.0, metavar="SECONDS", help="of each check (default: 60)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    checks = [*program.CHECKS, *machine.CHECKS]
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not asked.json:
            print(f"{finding.verdict.value:<7} {finding.name}: {finding.text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="causalfm-doctor-") as scratch:
        for name, check in checks:
            tell(within(asked.deadline, name, lambda check=check: check(Path(scratch), asked.deadline)))
    for name, check in run_folder.CHECKS:
        tell(within(asked.deadline, name, lambda check=check: check(asked.folder)))
    if asked.json:
        print(json.dumps([{"check": f.name, "verdict": f.verdict.value, "text": f.text} for f in findings], indent=2))
    wrong = {finding.name for finding in findings if finding.verdict is Verdict.WRONG}
    if not wrong:
        return 0
    return STORAGE_ERROR if wrong <= {name for name, _ in run_folder.CHECKS} else USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
