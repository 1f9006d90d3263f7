# What a job found in JUnit's form, for those who show results; sourced, in the source's top directory. A script adds its cases
# and writes them before it ends, also where some failed: build/junit/SUITE.xml.
cases='' cases_count=0 cases_failed=0

# As XML has it: no control characters, and nothing that is not UTF-8.
escaped() {
  iconv -c -f UTF-8 -t UTF-8 | LC_ALL=C tr -d '\000-\010\013-\037\177' |
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'
}

# add_case SUITE NAME SECONDS WHY: it passed if WHY is empty; else stdin tells more.
add_case() {
  local head=" <testcase classname=\"$1\" name=\"$(escaped <<<"$2")\" time=\"$3\""
  cases_count=$((cases_count + 1))
  if [ -z "$4" ]; then
    cases+="$head/>"$'\n'
    return
  fi
  cases_failed=$((cases_failed + 1))
  cases+="$head><failure message=\"$(escaped <<<"$4")\">"$'\n'"$(escaped)"$'\n'" </failure></testcase>"$'\n'
}

write_cases() { # SUITE
  mkdir -p build/junit
  cat >"build/junit/$1.xml" <<END
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="$1" tests="$cases_count" failures="$cases_failed" time="$SECONDS">
$cases</testsuite>
END
}
