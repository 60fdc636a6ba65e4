local h, name = find(arg()), arg()
if h then
  closeReader(h, name)
  trimMore(h)
end
