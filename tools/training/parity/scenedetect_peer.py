"""Shot cuts that PySceneDetect finds, for `node apps/bench/run.mjs shot-cuts --python PYTHON`.

Usage: scenedetect_peer.py VIDEO…
Needs scenedetect and opencv-python-headless. Prints one JSON object per video: its path and, for each detector, the
first frames of new scenes (from 0) and the CPU milliseconds per frame without decoding.
"""

import json
import sys
import time

from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode, open_video

# Default thresholds; the second pair lets shots be as short as those of the films.
DETECTORS = {
    "ContentDetector": lambda: ContentDetector(),
    "AdaptiveDetector": lambda: AdaptiveDetector(),
    "ContentDetector, min_scene_len 5": lambda: ContentDetector(min_scene_len=5),
    "AdaptiveDetector, min_scene_len 5": lambda: AdaptiveDetector(min_scene_len=5),
}


def cuts_of(path: str) -> dict:
    """The cuts of one video, all detectors over the same decoded frames."""
    detectors = {name: make() for name, make in DETECTORS.items()}
    cuts = {name: [] for name in detectors}
    seconds = dict.fromkeys(detectors, 0.0)
    video = open_video(path)
    frames = 0
    while (image := video.read()) is not False:
        position = FrameTimecode(frames, video.frame_rate)
        for name, detector in detectors.items():
            begin = time.process_time()
            cuts[name] += detector.process_frame(position, image)
            seconds[name] += time.process_time() - begin
        frames += 1
    for name, detector in detectors.items():
        cuts[name] += detector.post_process(FrameTimecode(frames, video.frame_rate))
    return {
        "path": path,
        "frames": frames,
        "detectors": {
            name: {"cuts": [cut.frame_num for cut in cuts[name]], "ms": 1000 * seconds[name] / max(frames, 1)}
            for name in detectors
        },
    }


for argument in sys.argv[1:]:
    print(json.dumps(cuts_of(argument)), flush=True)
