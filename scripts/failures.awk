# Prints why go test failed, from its output with or without -v: of each
# failed test what it said (a few lines of each saying), panics, races, and
# packages that did not build.

function cut(s) { return length(s) > 400 ? substr(s, 1, 400) "..." : s }

function keep(s) {
	if (++many[test] <= 40)
		said[test] = said[test] "    " cut(s) "\n"
}

/^=== (RUN|NAME|CONT|PAUSE) / { test = $3; more = 0; next }
/^ *--- (PASS|SKIP): / { test = $3; more = 0; next }
/^ *--- FAIL: / {
	test = $3; more = 0
	if (!(test in failed)) { failed[test] = 1; order[++n] = test }
	next
}
/^(panic:|fatal error:|SIGQUIT|unexpected fault)|^WARNING: DATA RACE|^==+$|panic: test timed out/ {
	if ($0 !~ /^=/) { trouble = 25 }
}
trouble > 0 { trouble--; if (++troubles <= 60) loud = loud cut($0) "\n" }
/^# / { built = $2 }
/^[^ ]+\.go:[0-9]+:[0-9]+: / || /^vet: / { if (++builds <= 20) wrong = wrong cut($0) "\n" }
/^FAIL\t/ { packages = packages $0 "\n" }
/^ +[A-Za-z0-9_]+\.go:[0-9]+: / { more = 6; keep($0); next }
more > 0 && /^ +/ { more--; keep($0) }

END {
	print "\n======== what failed, and why"
	if (wrong != "") printf "%s", wrong
	for (i = 1; i <= n; i++) {
		print "--- FAIL: " order[i]
		printf "%s", said[order[i]]
	}
	if (loud != "") printf "%s", loud
	printf "%s", packages
}
