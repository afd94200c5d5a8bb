#!/bin/sh
# Uploads fight.json, and reads its report back, with curl:
#     RELAY=http://127.0.0.1:8787 RAIDCAST_KEY=… sh raidcast.sh
set -eu
cd "$(dirname "$0")"
ANSWER=$(mktemp)
trap 'rm -f "$ANSWER"' EXIT

# 201: it is new; 200: it was here before.
curl -sS --fail-with-body -X POST "$RELAY/api/v1/encounters?visibility=public" \
    -H "X-API-Key: $RAIDCAST_KEY" -H "Content-Type: application/json" --data-binary @fight.json > "$ANSWER"
ID=$(sed 's/.*"reportId":"\([^"]*\)".*/\1/' "$ANSWER")
echo "report $ID"

# The report. What is asked again with its name in If-None-Match is answered 304 while it is the same.
TAG=$(curl -sS --fail -o "$ANSWER" -D - "$RELAY/api/v1/reports/$ID" | sed -n 's/^[Ee][Tt][Aa][Gg]: *\([^\r]*\).*/\1/p')
echo "damage $(sed 's/.*"totals":{"damage":\([0-9]*\).*/\1/' "$ANSWER")"
echo "again $(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $TAG" "$RELAY/api/v1/reports/$ID")"
