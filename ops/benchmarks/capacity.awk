# capacity.awk: the capacity plan, from what ops/bench has measured: standard input is its JSON, an object a line; variable
# `assumptions` names the table of what is assumed. Prints the document. When a figure is missing, prints only which one,
# and how to have it, to standard error, and fails.

BEGIN {
    processes = split("gateway nats worker postgres", process_names, " ")
    kinds = split("page map room join claim reserve refused confirm", kind_names, " ")
    split("look/event look/seats-gzip look/queue join reserve reserve storm latency/confirm-peak", row_names, " ")
    for (k = 1; k <= kinds; k++)
        row["spike", kind_names[k]] = row["rest", kind_names[k]] = row_names[k]
    # At rest there is little to be committed together.
    row["rest", "claim"] = row["rest", "reserve"] = "latency/reserve"
    row["rest", "confirm"] = "latency/confirm"
    title["page"] = "event page"
    title["map"] = "seat map (2,000 seats, gzip)"
    title["room"] = "state of the waiting room"
    title["join"] = "join"
    title["claim"] = "claim, counted as a reservation"
    title["reserve"] = "reservation of two seats"
    title["refused"] = "refused reservation"
    title["confirm"] = "confirmation"
    title["gateway"] = "gateways"
    title["nats"] = "NATS"
    title["worker"] = "workers"
    title["postgres"] = "PostgreSQL"
    while ((getline line <assumptions) > 0) {
        if (line ~ /^ *(#|$)/)
            continue
        split(line, word, / +/)
        assumed[word[1]] = word[2]
        meaning = line
        sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "", meaning)
        assumption[++assumption_count] = sprintf("| `%s` | %s | %s | %s |", word[1], grouped(word[2]), word[3], meaning)
    }
}

# --- what was measured

# The member of an object, "" when it is null or not there.
function member(object, name,    at) {
    at = index(object, "\"" name "\":")
    if (!at)
        return ""
    object = substr(object, at + length(name) + 3)
    if (object ~ /^"/) {
        object = substr(object, 2)
        return substr(object, 1, index(object, "\"") - 1)
    }
    sub(/[,}].*/, "", object)
    return object == "null" ? "" : object
}

{
    name = member($0, "name")
    if (name == "")
        next
    if (name ~ /^machine\//) {
        machine[++machine_count] = "| " substr(name, 9) " | " member($0, "text") " |"
        next
    }
    ours[name] = member($0, "ours")
    other[name] = member($0, "other")
    unit[name] = member($0, "unit")
    if (name ~ /^fanout\/[0-9]+$/ && substr(name, 8) + 0 > watched + 0)
        watched = substr(name, 8)
}

# A measured figure; noted as one that the plan rests on. `side` is ours or other.
function figure(name, side,    value) {
    value = side == "other" ? other[name] : ours[name]
    if (value == "") {
        missing[name] = 1
        return 0
    }
    value += 0
    if (!((name, side) in noted)) {
        noted[name, side] = 1
        input[++input_count] = sprintf("| `%s`%s | %s | %s | `./ops/bench %s` |", name, side == "other" ? ", what it is beside" : "",
            rounded(value), unit[name], name_of_row(name))
    }
    return value
}

function name_of_row(name) {
    sub(/\/.*/, "", name)
    return name
}

# Microseconds of a process for one of a kind.
function cost(when, kind, process) {
    return figure(row[when, kind] "/cpu/" process, "ours")
}

# Bytes of it over HTTP; `way` is request or answer.
function bytes(when, kind, way) {
    return figure(row[when, kind] "/" way "-bytes", "ours")
}

# --- figures as people read them

function grouped(value,    text) {
    if (value !~ /^[0-9]+$/)
        return value
    while (length(value) > 3) {
        text = "," substr(value, length(value) - 2) text
        value = substr(value, 1, length(value) - 3)
    }
    return value text
}

function rounded(value) {
    value += 0
    if (value >= 100)
        return grouped(sprintf("%.0f", value))
    return sprintf(value >= 10 ? "%.1f" : "%.2f", value)
}

function up(value) {
    return value > int(value) ? int(value) + 1 : int(value)
}

function bytes_text(value) {
    if (value >= 1e9)
        return sprintf("%.1f GB", value / 1e9)
    return value >= 1e6 ? sprintf("%.0f MB", value / 1e6) : sprintf("%.0f KB", value / 1e3)
}

# --- the plan

# Requests a second of each kind that reach the gateways, in rate[]: `when` is rest or spike; with a CDN or without.
function ask(when, cdn,    k, kind, all, looks) {
    all = assumed[when "-rate"]
    for (k = 1; k <= kinds; k++)
        rate[kind_names[k]] = all * assumed[when "-" kind_names[k]] / 100
    looks = rate["page"] + rate["map"] + rate["room"]
    if (cdn) {
        for (k = 1; k <= 3; k++) {
            kind = kind_names[k]
            if (when == "rest")
                rate[kind] *= 1 - assumed["cdn-rest"] / 100
            else if (rate[kind] > assumed["cdn-places"])
                rate[kind] = assumed["cdn-places"]
        }
    }
    taken_away = looks > 0 ? 1 - (rate["page"] + rate["map"] + rate["room"]) / looks : 0
    deliveries = assumed[when "-watching"] * assumed["frames"]
    reaching = 0
    for (k = 1; k <= kinds; k++)
        reaching += rate[kind_names[k]]
    # Who waits keeps a connection to the gateways open, or to the CDN, which keeps a few.
    connections = assumed[when "-watching"] + (cdn ? assumed["cdn-places"] : 0)
    connections += when == "spike" && !cdn ? assumed["spike-queue"] : reaching
}

# Cores of a process that are busy.
function busy(when, process,    k, sum) {
    sum = rate["claim"] * figure("growth/queue/large/" process, "ours") # an admission
    for (k = 1; k <= kinds; k++)
        sum += rate[kind_names[k]] * cost(when, kind_names[k], process)
    if (process == "gateway")
        sum += deliveries * figure("fanout/" watched "/cpu/gateway", "ours")
    return sum / 1e6
}

# Bits a second of what browsers are sent (answer) or send (request).
function network(when, way,    k, sum) {
    for (k = 1; k <= kinds; k++)
        sum += rate[kind_names[k]] * (bytes(when, kind_names[k], way) + (way == "request") * assumed["browser-bytes"])
    if (way == "answer")
        sum += deliveries * assumed["frame-bytes"]
    return sum * 8
}

function plan(when, cdn, label,    p, process, cores, all, machines, memory) {
    ask(when, cdn)
    document = document sprintf("\n### %s\n\n%s requests a second reach the gateways", label, rounded(reaching))
    if (cdn)
        document = document sprintf(": the CDN answers %.1f %% of the looking", 100 * taken_away)
    document = document sprintf(".\n%s live connections are told %s frames a second; %s connections are open.\n\n", rounded(assumed[when "-watching"]), rounded(deliveries), rounded(connections))
    document = document "| | cores busy | cores planned | machines |\n| --- | ---: | ---: | ---: |\n"
    for (p = 1; p <= processes; p++) {
        process = process_names[p]
        cores = busy(when, process) / (assumed["core-use"] / 100)
        all += cores
        machines = up(cores / assumed["machine-cores"])
        document = document sprintf("| %s | %.3f | %.3f | %d |\n", title[process], busy(when, process), cores, machines)
    }
    memory = connections * (figure("fanout/" watched "/memory", "ours") + figure("fanout/" watched "/kernel", "ours"))
    document = document sprintf("| all | | %.2f | %s |\n\n", all, all <= assumed["machine-cores"] / 2 ? "one would do; for outages, two of each" : "")
    document = document sprintf("Gateway processes: %d at least, of a core each; connections need %s of memory.\n", most(up(busy(when, "gateway") / (assumed["core-use"] / 100)), up(connections / assumed["gateway-files"])), bytes_text(memory))
    if (when == "spike")
        document = document sprintf("The queue needs %s of NATS' memory and %s of its disk; the worker %s.\n", bytes_text(each("nats")), bytes_text(assumed["spike-queue"] * figure("join/stream-bytes", "ours")), bytes_text(each("worker-1")))
    document = document sprintf("Network: %.2f Gbit/s out, %.2f in. PostgreSQL writes %s/s of its log, and as much to each standby%s.\n", network(when, "answer") / 1e9, network(when, "request") / 1e9, bytes_text(log_bytes()), when == "rest" ? sprintf("; its data grow by %s a day", bytes_text(rate["reserve"] * 86400 * figure("reserve/database-bytes", "ours"))) : "")
    total["cores", when, cdn] = all
    total["sent", when, cdn] = network(when, "answer")
    total["open", when, cdn] = connections
}

function saved(what) {
    return sprintf("%.0f %%", 100 * (1 - total[what, "spike", 1] / most(total[what, "spike", 0], 1e-9)))
}

# What all that PostgreSQL commits adds to its log; each kind is counted as a reservation.
function log_bytes() {
    return (rate["reserve"] + rate["confirm"] + 2 * rate["claim"]) * figure("reserve/log-bytes", "ours")
}

# Bytes of a process for the spike's queue, by what it had at most in a sale with a smaller one.
function each(process) {
    return figure("drop/memory/" process, "ours") * 1048576 * assumed["spike-queue"] / figure("drop/people", "ours")
}

function most(a, b) {
    return a > b ? a : b
}

# What one event of the spike can't have more than one of: NAME, how much of it is used, and what it could do.
function limit(name, used, adds) {
    limits++
    limit_text[limits] = sprintf("| %s | %.0f %% | %s requests/s | %s |\n", name, 100 * used, used > 0 ? rounded(assumed["spike-rate"] / used) : "-", adds)
    limit_name[limits] = name
    limit_used[limits] = used
}

function saturation(    i, j, first) {
    ask("spike", 1)
    limit("PostgreSQL: the one session in which the event's worker commits, a core of the primary", busy("spike", "postgres"), "a faster core and disk; sales of other events use other workers' sessions")
    limit("worker: the one that decides for the event, a core", busy("spike", "worker"), "a faster core; other events go to other workers (`USHER_WORKERS`, more machines)")
    limit("NATS: the one stream of the event's queue, beside raw publishing on this machine", rate["join"] / figure("join", "other"), "a faster core and disk; other events' streams go to other servers of a cluster (R3)")
    limit("network: what one load balancer sends", network("spike", "answer") / 1e9 / assumed["machine-network"], "a second one; the CDN closer to people's live connections")
    document = document "\n## What saturates first\n\nGateways are as many as one likes: more processes and machines behind the load balancer, or a CDN, are what an operator adds first.\nWhat one event has only one of, in the spike as above, with the CDN:\n\n| what | used | full at | what an operator adds |\n| --- | ---: | ---: | --- |\n"
    for (i = 1; i <= limits; i++) {
        first = 0
        for (j = 1; j <= limits; j++)
            if (!printed[j] && (!first || limit_used[j] > limit_used[first]))
                first = j
        printed[first] = 1
        document = document limit_text[first]
        if (i == 1)
            document_first = first
    }
    document = document sprintf("\nFirst is %s: at %.1f times the spike.\n", limit_name[document_first], 1 / most(limit_used[document_first], 1e-9))
}

function cost_line(when, kind, name,    p) {
    document = document "| " name
    for (p = 1; p <= processes; p++)
        document = document " | " rounded(cost(when, kind, process_names[p]))
    document = document sprintf(" | %s | %s |\n", rounded(bytes(when, kind, "request")), rounded(bytes(when, kind, "answer")))
}

function costs(    k, p) {
    document = document "\n## What each kind of request costs\n\nMicroseconds of the processors, and bytes over HTTP.\n\n| | gateway | NATS | worker | PostgreSQL | request | answer |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    for (k = 1; k <= kinds; k++)
        cost_line("spike", kind_names[k], title[kind_names[k]])
    cost_line("rest", "reserve", title["reserve"] ", at a quarter of the peak")
    cost_line("rest", "confirm", title["confirm"] ", at a quarter of the peak")
    document = document "| admission"
    for (p = 1; p <= processes; p++)
        document = document " | " rounded(figure("growth/queue/large/" process_names[p], "ours"))
    document = document sprintf(" | | |\n| a frame to one live connection | %s | | | | | |\n", rounded(figure("fanout/" watched "/cpu/gateway", "ours")))
}

END {
    costs()
    document = document sprintf("\n## At rest\n\n%s people a day are %s requests a second, if each makes %.1f.\n", rounded(assumed["users"]), rounded(assumed["rest-rate"]), assumed["rest-rate"] * 86400 / assumed["users"])
    plan("rest", 0, "Without a CDN")
    plan("rest", 1, "With a CDN")
    document = document sprintf("\n## A spike\n\n%s requests a second, %s people in one queue.\n", rounded(assumed["spike-rate"]), rounded(assumed["spike-queue"]))
    plan("spike", 0, "Without a CDN")
    plan("spike", 1, "With a CDN")
    document = document sprintf("\nOf the spike, the CDN takes away %s of the cores, %s of what is sent and %s of the open connections.\n", saved("cores"), saved("sent"), saved("open"))
    saturation()
    for (name in missing) {
        failed = 1
        print "usher: " name " is missing: run ./ops/bench --json FILE " name_of_row(name) " with the other rows" >"/dev/stderr"
    }
    if (failed)
        exit 1
    print "# What usher takes at 10 million daily users and in a spike\n"
    print "Generated by `./ops/benchmarks/capacity` from the JSON of `./ops/bench`: arithmetic on measured costs. What is assumed is\nlisted below, and lies in `ops/benchmarks/capacity_assumptions.txt`. Measured on one machine with everything on it:\n"
    print "| | |\n| --- | --- |"
    for (i = 1; i <= machine_count; i++)
        print machine[i]
    printf "%s", document
    print "\n## Assumptions\n\n| name | value | unit | meaning |\n| --- | ---: | --- | --- |"
    for (i = 1; i <= assumption_count; i++)
        print assumption[i]
    print "\nNot counted: sessions of guests (people come with their tokens), search, payments, TLS (the load balancer ends it); that\na NATS cluster stores every join three times (R3)."
    print "\n## Measured figures\n\n| name | figure | unit | measured by |\n| --- | ---: | --- | --- |"
    for (i = 1; i <= input_count; i++)
        print input[i]
}
