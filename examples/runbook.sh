#!/bin/sh
# A runbook on call: rolls the newest release back, waits, and declares the outage over. It names no cause.
#
#     firedrill drill --auto examples/runbook.sh --clock virtual --seeds 1..10
#
# Each message of firedrill is one line of JSON; each answer is one line, too.
read -r shift_begins
for answer in \
    '{"do":"take"}' \
    '{"do":"look","what":"changes"}' \
    '{"do":"roll_back"}' \
    '{"do":"wait","seconds":15}' \
    '{"do":"over"}'
do
    printf '%s\n' "$answer"
    read -r message || exit 0
done
