"""Feeds, lists, forums and APIs in; raw mentions out, with the state and health of every source.

    runner    which source is asked when      passes   one pass over one source
    polls     one poll, one detail page       visits   what a poll has read so far
    readers   which kind is read by what      parsing  the children that read pages
    downloader, guards, hosts, outage         politely, safely, and not while we are offline
    frontier, commits                         what is remembered, many pages to a transaction
    health, schedule, changeover              what it means: state, next poll, rules on trial

Nothing here knows a database: what must outlive the process goes through `frontier.Frontier`.
"""
