"""Uploads fight.json, and reads its report back. Python 3.8 and newer, without packages:

    RELAY=http://127.0.0.1:8787 RAIDCAST_KEY=… python3 raidcast.py
"""

import json
import os
import pathlib
import time
import urllib.error
import urllib.request

RELAY = os.environ["RELAY"]


def ask(path, body=None, headers=None):
    """The status, the headers and the body of an answer. Waits where the relay says so."""
    request = urllib.request.Request(RELAY + path, body, headers or {})
    for _ in range(5):
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 304:
                return 304, error.headers, None
            refusal = json.load(error)
            if error.code not in (429, 503):
                raise SystemExit(f"{error.code} {refusal['code']}: {refusal['message']}")
            time.sleep(int(error.headers["Retry-After"]))
    raise SystemExit("the relay is busy")


def main():
    fight = pathlib.Path(__file__).with_name("fight.json").read_bytes()
    headers = {"X-API-Key": os.environ["RAIDCAST_KEY"], "Content-Type": "application/json"}
    _, _, receipt = ask("/api/v1/encounters?visibility=public", fight, headers)
    path = f"/api/v1/reports/{receipt['reportId']}"
    print("report", receipt["reportId"])

    _, head, report = ask(path)
    for player in report["players"]:
        # None: the meter cannot know it.
        print(player["name"] or "unknown", player["damage"], player["damageTaken"])

    status, _, _ = ask(path, headers={"If-None-Match": head["ETag"]})
    print("again", status)


if __name__ == "__main__":
    main()
