"""The scripts of the coordinator. Each gets the prefix of the keys as its only key."""

from __future__ import annotations

_INTERRUPTED = """
local p = KEYS[1]
local function interrupt(name)
  local text = redis.call('HGET', p .. 'runs', name)
  if text then
    local run = cjson.decode(text)
    run.outcome = 'interrupted'
    redis.call('HSET', p .. 'runs', name, cjson.encode(run))
  end
  redis.call('ZREM', p .. 'running', name)
end
local function process_of(name)
  local text = redis.call('HGET', p .. 'runs', name)
  return text and cjson.decode(text).process
end
"""

# The runs of a holder that has not released its lease have ended with it.
ACQUIRE = (
    _INTERRUPTED
    + """
if redis.call('EXISTS', p .. 'lease') == 1 then return 0 end
local token = redis.call('INCR', p .. 'token')
redis.call('SET', p .. 'lease', token .. ' ' .. ARGV[1], 'PX', ARGV[2])
local last = redis.call('GET', p .. 'holder')
redis.call('SET', p .. 'holder', ARGV[1])
if last then
  for _, name in ipairs(redis.call('ZRANGE', p .. 'running', 0, -1)) do
    if process_of(name) == last then interrupt(name) end
  end
end
return token
"""
)

RENEW = """
if redis.call('GET', KEYS[1] .. 'lease') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1] .. 'lease', ARGV[2])
"""

RELEASE = """
if redis.call('GET', KEYS[1] .. 'lease') == ARGV[1] then
  redis.call('DEL', KEYS[1] .. 'lease', KEYS[1] .. 'holder')
end
"""

CLAIM = """
local p, lease, now = KEYS[1], ARGV[1], ARGV[2]
if lease ~= '' and redis.call('GET', p .. 'lease') ~= lease then return false end
local under_way = {}
for _, name in ipairs(redis.call('ZRANGE', p .. 'running', 0, -1)) do
  local job = string.match(name, '^%-?%d+:(.*)$')
  under_way[job] = (under_way[job] or 0) + 1
end
local new = {}
for _, entry in ipairs(cjson.decode(ARGV[3])) do
  local name, job, due, limit, outcome, text = unpack(entry)
  if redis.call('HEXISTS', p .. 'runs', name) == 0 then
    if outcome == 'running' and (under_way[job] or 0) >= limit then
      local run = cjson.decode(text)
      run.outcome, outcome, run.started = 'skipped', 'skipped', cjson.null
      text = cjson.encode(run)
    end
    if outcome == 'running' then redis.call('ZADD', p .. 'running', now, name) end
    redis.call('HSET', p .. 'runs', name, text)
    redis.call('ZADD', p .. 'history', due, name)
    redis.call('ZADD', p .. 'history:' .. job, due, name)
    new[#new + 1] = text
  end
end
return new
"""

FINISH = """
local p, name = KEYS[1], ARGV[1]
redis.call('ZREM', p .. 'running', name)
if redis.call('HEXISTS', p .. 'runs', name) == 1 then
  redis.call('HSET', p .. 'runs', name, ARGV[2])
end
"""

BEAT = (
    _INTERRUPTED
    + """
for _, name in ipairs(redis.call('ZRANGE', p .. 'running', 0, -1)) do
  if process_of(name) == ARGV[1] then redis.call('ZADD', p .. 'running', ARGV[2], name) end
end
"""
)

INTERRUPT = (
    _INTERRUPTED
    + """
local late = redis.call('ZRANGE', p .. 'running', '-inf', ARGV[1], 'BYSCORE')
for _, name in ipairs(late) do interrupt(name) end
"""
)

PRUNE = """
local p = KEYS[1]
local old = redis.call('ZRANGE', p .. 'history', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, 500)
for _, name in ipairs(old) do
  local job = string.match(name, '^%-?%d+:(.*)$')
  redis.call('HDEL', p .. 'runs', name)
  redis.call('ZREM', p .. 'history', name)
  redis.call('ZREM', p .. 'history:' .. job, name)
end
return #old
"""
