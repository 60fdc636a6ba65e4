using Sluice.Programs;

// One program for all processes that tests start: the first argument says which one. Workers get arguments of their own from the library.
return args switch
{
    ["consecutor", .. var rest] => await ConsecutorProgram.RunAsync(rest),
    ["store", .. var rest] => await StoreProgram.RunAsync(rest),
    ["owner", var path, var accepts, var letters] => await OwnerProgram.RunAsync(path, accepts == "accepts",
        int.Parse(letters, System.Globalization.CultureInfo.InvariantCulture)),
    ["celery", var store, var broker, var queue] => await CeleryProgram.RunAsync(store, broker, queue),
    ["postgres", .. var rest] => await PostgresProgram.RunAsync(rest),
    ["lines"] => await LinesProgram.RunAsync(),
    ["progress", var what] => await ProgressProgram.RunAsync(what),
    _ => await WorkerProgram.RunAsync(args),
};
