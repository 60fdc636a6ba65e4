lastStream = arg()
local h, name = find(lastStream), arg()
if h then
  closeReader(h, name)
  trimMore(h)
end
