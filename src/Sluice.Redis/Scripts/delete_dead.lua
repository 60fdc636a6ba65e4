local h, group = stream(arg()), arg()
return #takeLetters(h, group, function() end)
