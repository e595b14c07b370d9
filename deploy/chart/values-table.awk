# Makes the table of the chart's values in its README from values.yaml: a row for each value, with the comment above it as
# the description. A mapping over several lines is a group, whose members are rows named group.member.

function flush() { text = "" }

/^ *#/ {
  line = $0
  sub(/^ *# ?/, "", line)
  text = text (text == "" ? "" : " ") line
  next
}
/^ *$/ { flush(); next }
{
  indent = match($0, /[^ ]/) - 1
  name = $0
  sub(/^ */, "", name)
  sub(/:.*/, "", name)
  value = $0
  sub(/^[^:]*: */, "", value)
  if ($0 ~ /: *$/) {
    group = name "."
    flush()
    next
  }
  if (indent == 0) group = ""
  if (text == "") {
    print "values.yaml: " group name " has no description" >"/dev/stderr"
    exit 1
  }
  gsub(/\|/, "\\|", text)
  printf "| `%s%s` | %s | `%s` |\n", group, name, text, value
  flush()
}
