using Airports;
using Airports.Durable;
using Sluice;

// The path of the data: GazetteerFile -> Selection -> Job (the pipeline of Stages) -> CsvOutput and DatabaseOutput -> Report.
// With a store, Durable/DurableJob takes the place of Job and of the outputs.
try
{
    // In a worker process of the mode process: its arguments are behind the two that make it one.
    if (await Worker.TryRunAsWorkerAsync(args, name => Workers.Body(name, args[2..]))) return 0;
    return await RunAsync();
}
catch (UserMistake mistake)
{
    return Fail(2, mistake.Message);
}
catch (Exception unexpected)
{
    return Fail(1, $"{unexpected.GetType().Name}: {unexpected.Message}");
}

async Task<int> RunAsync()
{
    if (Options.Parse(args) is not { } options) return 0;
    Outputs.RejectConflicts(options);

    if (options.Store is { Dead: true })
    {
        await DurableRun.ListDeadAsync(options);
        return 0;
    }

    var skipped = new SkippedRows();
    var gazetteer = GazetteerFile.Read(options.Airports, skipped);
    var airports = options.Selection.From(gazetteer, options.Airports);

    using var interrupts = new Interrupts();
    if (options.Store is not null)
    {
        var (exitCode, reason) = await DurableRun.RunAsync(options, airports, gazetteer, skipped, interrupts);
        return reason is null ? exitCode : Fail(exitCode, reason);
    }

    using var outputs = Outputs.Open(options);
    var job = new Job(airports, gazetteer, outputs, options, args, interrupts);

    // On a thread of its own, because in mode single the pipeline keeps the thread that starts it busy until the end.
    var run = Task.Run(job.RunAsync);
    if (options.Progress) await ProgressDisplay.WatchAsync(run, () => job.Done, Stages.CountPairs(airports.Length), interrupts.Drain);
    var outcome = await run;

    outputs.Dispose();
    if (interrupts.ExitCode != 0) Console.WriteLine(
        $"\nInterrupted: {job.Done:N0} pairs were done; what is counted as written below is in place.");
    Report.Print(Console.Out, job, outcome, outputs, airports.Length, gazetteer.Places.Count, skipped);
    return outcome.Failure is { } failure ? Fail(1, failure) : interrupts.ExitCode;
}

// One line, whatever is in the message: a file may well have a line break in its name.
static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"airports: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return exitCode;
}
