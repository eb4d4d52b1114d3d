#!/bin/sh
# Runs one rank and writes down its process, in FOLDER/pid-RANK, and its end, in FOLDER/code-RANK. Stays until
# FOLDER/done is there, so that mpirun draws no conclusions from a rank's end.
#   rank.sh FOLDER COMMAND...
folder=$1
shift
rank=$OMPI_COMM_WORLD_RANK
[ -d "$folder/home-$rank" ] && cd "$folder/home-$rank"
if [ -e "$folder/hold-$rank" ]; then
  sh -c 'kill -STOP $$; exec "$@"' held "$@" &
else
  "$@" &
fi
echo $! >"$folder/pid-$rank.new" && mv "$folder/pid-$rank.new" "$folder/pid-$rank"
wait $!
echo $? >"$folder/code-$rank.new" && mv "$folder/code-$rank.new" "$folder/code-$rank"
while [ ! -e "$folder/done" ]; do sleep 0.1; done
