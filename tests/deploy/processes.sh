# The sandbox's Compass and the real agent, as processes; sourced after checks.sh. Everything that is started ends with
# `end_processes`, by its number.

bin=${RUNTIME_AGENT_BIN:-$root/build/debug/bin}
processes=()

end_processes() {
  local process
  for process in "${processes[@]}"; do
    kill -KILL "$process" 2>/dev/null
  done
  wait "${processes[@]}" 2>/dev/null
  processes=()
}

# start_sandbox OPTION…: a Compass (with --kubeconfig FILE beside that cluster); sets $control.
start_sandbox() {
  "$bin/runtime-agent-sandbox" --dir "$work/sandbox" "$@" >"$work/sandbox.log" 2>&1 &
  processes+=($!)
  within 60 grep -q '^# Ready' "$work/sandbox.log" || {
    cat "$work/sandbox.log"
    return 1
  }
  control=$(sed -nE 's|.*Control port: curl (http://127.0.0.1:[0-9]+)/.*|\1|p' "$work/sandbox.log")
}

# compass PATH [CURL OPTION…]: the sandbox's control port.
compass() { curl -sS --fail --max-time 30 "$control$1" "${@:2}"; }

# A port that is free at the moment: connecting to it fails.
free_port() {
  local port
  for port in $(shuf -i 20000-32000 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
      echo "$port"
      return
    }
  done
}

# start_agent VARIABLE=VALUE…: $agent_command (the agent) with exactly this environment and a health port of its own; sets
# $agent_process and $health. Its log is added to $work/agent.log.
agent_command=("$bin/runtime-agent")
start_agent() {
  health=$(free_port)
  env -i "$@" APP_HEALTH_PORT="$health" APP_DIAGNOSTICS_PORT=0 "${agent_command[@]}" >>"$work/agent.log" 2>&1 &
  agent_process=$!
  processes+=("$agent_process")
}

# The agent has to end with 0 within the five seconds that operators are promised.
end_agent() {
  local status=0
  kill -TERM "$agent_process"
  within 6 gone "$agent_process" || return 1
  wait "$agent_process" || status=$?
  ((status == 0))
}

probe() { curl -sS --max-time 5 -o "$work/probe" -w '%{http_code}' "http://127.0.0.1:$health$1"; }
