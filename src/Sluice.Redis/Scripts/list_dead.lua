local h, group, hasNode, node, after, max = stream(arg()), arg(), arg(), arg(), arg(), num()
needGroup(h, group)
local letters, key = {}, K .. 'd:' .. h.name .. ':' .. group
while #letters < max do
  local page = call('XRANGE', key, '(' .. after .. '-1', '+', 'COUNT', math.min(max, 100))
  if #page == 0 then break end
  for _, found in ipairs(page) do
    after = string.match(found[1], '^%d+')
    local v = cmsgpack.unpack(found[2][2])
    if #letters < max and (hasNode ~= '1' or v[3] == node) then
      letters[#letters + 1] = { after, v[1], digits(v[2]), v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12] }
    end
  end
end
return letters
