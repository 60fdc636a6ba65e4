-- What is told about streams and groups, in pages: one call looks at so many partitions and places.
local MOST_SHOWN, MOST_MARKS, MOST_MEMBERS = 512, 1024, 500

-- What a group has in some partitions: entries that wait, those of them that the stream does not hold any more, and their bytes.
local function waitingIn(h, group, first, last)
  local of, fields, waiting, items, bytes = groupOf(h, group), between(first, last), 0, 0, 0
  for i, text in ipairs(call('HMGET', K .. 'g:' .. of, unpack(fields))) do
    if not text or not (string.sub(text, 1, 2) == '0 ' or isLogText(text)) then
      local isSound, q = pcall(openPartition, h, group, fields[i], text)
      -- A partition that is damaged is told when it is taken; the others are counted.
      if not isSound then q = { rows = 0, flight = 0, rowBytes = 0, id = of .. ':' .. fields[i], l = { trimmed = 0 } } end
      local behind = call('ZCOUNT', K .. 'xo:' .. q.id, '-inf', digits(q.l.trimmed))
      waiting, items, bytes = waiting + q.rows - q.flight, items + behind, bytes + math.floor(q.rowBytes * behind / math.max(1, q.rows))
    end
  end
  return waiting, items, bytes
end

-- Goes on with a consumer, in the order of the names, and in a partition of it. Groups and readers may be told in several parts; the end of the answer says where it goes on, or nothing.
local function streamInfo(h, from, p)
  sweep(h)
  consumers(h)
  local items, bytes, groups, readers, left, names = 0, 0, {}, {}, MOST_SHOWN, {}
  if from == '' then items, bytes = h.storedItems, h.storedBytes end
  for name in pairs(h.groups) do names[#names + 1] = 'g:' .. name end
  for name in pairs(h.readers) do names[#names + 1] = 'r:' .. name end
  table.sort(names)
  local nextName, nextPlace = '', 0
  for _, full in ipairs(names) do
    local name = string.sub(full, 3)
    if full >= from then
      if left <= 0 then
        nextName, nextPlace = full, 0
        break
      end
      if string.sub(full, 1, 1) == 'r' then
        readers[#readers + 1] = showReader(h, name)
        left = left - h.partitions - 4
      else
        local first = full == from and p or 0
        local last = math.min(h.partitions, first + left) - 1
        openLogs(h, between(first, last))
        local waiting, moreItems, moreBytes = waitingIn(h, name, first, last)
        items, bytes, left = items + moreItems, bytes + moreBytes, left - (last - first + 1) - 4
        local paused, draining = pausedAt(h, name)
        groups[#groups + 1] = { name, h.groups[name].i, waiting, call('XLEN', K .. 'd:' .. groupOf(h, name)), paused and digits(paused) or '', draining }
        if last < h.partitions - 1 then
          nextName, nextPlace = full, last + 1
          break
        end
      end
    end
  end
  return { h.name, h.partitions, call('HGET', h.key, 'items'), call('HGET', h.key, 'bytes'), h.entry, h.keepAll and 1 or 0, digits(h.made), h.ended, digits(items), digits(bytes), groups, readers, digits(h.appended), nextName, nextPlace }
end

-- A page: some members, behind a cursor as HSCAN gives it, and the marks of some partitions as they are stored, with those of their logs; then where a group that is new begins, the quarantine, and the next cursor.
local function groupInfo(h, group, first, cursor)
  local of, members, marks, tails = groupOf(h, group), {}, {}, {}
  if cursor ~= '' then
    local page = call('HSCAN', K .. 'm:' .. of, cursor, 'COUNT', MOST_MEMBERS)
    cursor, members = page[1] ~= '0' and page[1] or '', page[2]
  end
  if first < h.partitions then
    local fields = between(first, math.min(h.partitions, first + MOST_MARKS) - 1)
    marks, tails = call('HMGET', K .. 'g:' .. of, unpack(fields)), call('HMGET', K .. 'l:' .. h.id, unpack(fields))
  end
  local quarantine, paused, draining = call('HMGET', K .. 'q:' .. of, 'owner', 'epoch'), pausedAt(h, group)
  return { members, h.partitions, marks, tails, quarantine[1], quarantine[2] or '0', h.groups[group].isNew and 1 or 0, cursor, paused and digits(paused) or '', draining }
end
