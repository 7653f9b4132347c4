# Runs $1 short processes, two in each step, that pass a line through a pipe.
step=0
while [ "$step" -lt $(($1 / 2)) ]; do
    /bin/echo "$step" | cat >>steps.txt
    step=$((step + 1))
done
test "$(wc -l <steps.txt)" -eq $(($1 / 2))
