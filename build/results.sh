# shellcheck shell=bash
# Sourced by ./test: reads the result files of the test runner and adds them up. Needs nothing but bash and awk.

results_start() { RESULTS_PASSED=0 RESULTS_FAILED=0 RESULTS_SKIPPED=0; declare -gA RESULTS_OF=(); }

# results_add PASSED FAILED SKIPPED: counts for the group in RESULTS_GROUP
results_add() {
  local p=0 f=0 s=0
  read -r p f s <<<"${RESULTS_OF[$RESULTS_GROUP]:-0 0 0}"
  RESULTS_OF[$RESULTS_GROUP]="$((p + $1)) $((f + $2)) $((s + $3))"
  RESULTS_PASSED=$((RESULTS_PASSED + $1)) RESULTS_FAILED=$((RESULTS_FAILED + $2)) RESULTS_SKIPPED=$((RESULTS_SKIPPED + $3))
}

results_line() {
  local p=0 f=0 s=0
  read -r p f s <<<"${RESULTS_OF[$1]:-0 0 0}"
  echo "$p passed, $f failed, $s skipped"
}

# results_read GROUP TRX LOG STATUS: counts, and prints what failed and what was skipped, with the reason
results_read() {
  local group=$1 trx=$2 log=$3 status=$4 counts passed failed skipped
  if [ ! -f "$trx" ]; then
    # No result file: the runner itself failed, which must never look like success.
    tail -n 40 "$log"
    printf 'FAILED %s: the test runner ended with status %d and left no results; its output is in %s\n' "$group" "$status" "$log"
    results_add 0 1 0
    return 0
  fi
  awk -v group="$group" '
    function text(s, open, close_,   i, j) {
      i = index(s, open); if (!i) return ""
      s = substr(s, i + length(open)); j = index(s, close_); if (!j) return ""
      s = substr(s, 1, j - 1)
      gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&quot;/, "\"", s); gsub(/&#xD;/, "", s); gsub(/&#xA;/, "\n", s); gsub(/&amp;/, "\\&", s)
      return s
    }
    BEGIN { RS = "<UnitTestResult " }
    NR == 1 { next }
    {
      # What follows the last result (output of the runner, its summary) is none.
      end = index($0, "</Results>"); if (end) $0 = substr($0, 1, end - 1)
      name = text($0, "testName=\"", "\"")
      message = text($0, "<Message>", "</Message>")
      if (message == "") message = text($0, "<StdOut>", "</StdOut>")
      if ($0 ~ /outcome="Failed"/) {
        stack = text($0, "<StackTrace>", "</StackTrace>")
        gsub(/\n/, "\n    ", message); gsub(/\n/, "\n    ", stack)
        print "FAILED " name "\n    " message (stack == "" ? "" : "\n    " stack)
      } else if ($0 ~ /outcome="NotExecuted"/) {
        gsub(/\n/, " ", message)
        print "skipped " name ": " message
      }
    }' "$trx"
  counts=$(awk 'BEGIN { RS = "<" } /^Counters / { print; exit }' "$trx" | tr ' ' '\n' | awk -F'"' '
    /^total=/ { total = $2 } /^executed=/ { executed = $2 } /^passed=/ { passed = $2 }
    END { print passed + 0, executed - passed, total - executed }')
  read -r passed failed skipped <<<"$counts"
  results_add "$passed" "$failed" "$skipped"
  # A crash or a hang leaves results that look better than they are.
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    tail -n 25 "$log"
    printf 'FAILED %s: the test runner ended with status %d (124 is: ran too long); its output is in %s\n' "$group" "$status" "$log"
    results_add 0 1 0
  elif [ $((passed + failed + skipped)) -eq 0 ]; then
    printf 'NO TESTS in group %s: its projects hold none yet\n' "$group"
  fi
}

results_summary() {
  echo "$RESULTS_PASSED passed, $RESULTS_FAILED failed, $RESULTS_SKIPPED skipped"
  [ "$RESULTS_FAILED" -eq 0 ] && [ "$RESULTS_PASSED" -gt 0 ]
}
