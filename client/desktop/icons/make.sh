#!/bin/sh
# Makes the pictures of the drawings that lie beside it: `sh make.sh`, with rsvg-convert and ImageMagick.
set -eu
cd "$(dirname "$0")"
for size in 32 128 256; do
    rsvg-convert --width "$size" --height "$size" ../../../web/src/favicon.svg --output "$size.png"
done
for size in 16 24 32 48 64 256; do
    rsvg-convert --width "$size" --height "$size" ../../../web/src/favicon.svg --output "ico-$size.png"
done
convert ico-16.png ico-24.png ico-32.png ico-48.png ico-64.png ico-256.png icon.ico
rm ico-*.png
for state in idle live waiting trouble; do
    rsvg-convert --width 64 --height 64 "tray-$state.svg" --output "tray-$state.png"
done
