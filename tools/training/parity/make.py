"""Makes all fixtures of this folder, or checks that the committed ones are the same byte for byte.

    python make.py --bytetrack DIR --evaluation DIR --reference FILE [--check]

--bytetrack is a clone of ifzhang/ByteTrack, --evaluation one of wondervictor/WiderFace-Evaluation, --reference the file
scrfd_reference.py of the shared data. A script whose source is not given is left out and named.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
# Script, the option that it needs, the folder of its fixtures.
SCRIPTS = [
    ("bytetrack.py", "bytetrack", "packages/tracker/src/fixtures"),
    ("trackeval_figures.py", None, "packages/eval/src/mot/fixtures"),
    ("coco_crowds.py", None, "packages/eval/src/detection/fixtures"),
    ("coco_areas.py", None, "packages/eval/src/detection/fixtures"),
    ("wider.py", "evaluation", "packages/eval/src/wider/fixtures"),
    ("scrfd.py", "reference", "packages/core/src/fixtures"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bytetrack", "evaluation", "reference"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    different = left_out = 0
    for script, option, folder in SCRIPTS:
        source = getattr(args, option) if option else None
        if option and not source:
            print(f"{script}: left out, --{option} is not given")
            left_out += 1
            continue
        with tempfile.TemporaryDirectory() as temporary:
            output = Path(temporary) if args.check else REPOSITORY / folder
            command = [sys.executable, str(Path(__file__).with_name(script)), "--output", str(output)]
            subprocess.run([*command, *([f"--{option}", source] if option else [])], check=True, stdout=subprocess.DEVNULL)
            for made in sorted(output.iterdir()) if args.check else []:
                committed = REPOSITORY / folder / made.name
                same = committed.exists() and committed.read_bytes() == made.read_bytes()
                print(f"{folder}/{made.name}: {'the same' if same else 'DIFFERENT'}")
                different += not same
    if not args.check:
        print("done" + (f", but for {left_out}" if left_out else ""))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
