-- A page of the lengths of a partition's files, as HSCAN gives it, with their checksums.
local h, group, p, cursor = stream(arg()), arg(), num(), arg()
needGroup(h, group)
local q = partition(h, group, p)
local page = call('HSCAN', K .. 'f:' .. q.id, cursor, 'COUNT', 500)
local files = {}
for i = 1, #page[2], 2 do
  local name = page[2][i]
  local length = fileLength(q, name, page[2][i + 1])
  files[#files + 1] = { name, length, digits(sumOfFile(name, length)) }
end
return { page[1], files }
