using System.Text;

namespace Airports.Durable;

/// <summary>A run with a store, from opening it to the table at the end.</summary>
internal static class DurableRun
{
    /// <returns>The exit code, and what failed.</returns>
    /// <exception cref="UserMistake">The store or an output cannot be used.</exception>
    public static async Task<(int ExitCode, string? Failure)> RunAsync(
        Options options, Airport[] airports, Gazetteer gazetteer, SkippedRows skipped, Interrupts interrupts)
    {
        options.Store!.Check(airports);
        await using var job = await DurableJob.OpenAsync(airports, gazetteer, options, interrupts);
        CheckOutputs(options);
        await job.StartAsync();
        if (job.Resumed > 0) Console.WriteLine($"Resumed from {job.Resumed:N0} accepted pairs.");

        var run = Task.Run(job.RunAsync);
        if (options.Progress) await ProgressDisplay.WatchAsync(run, () => job.Done, Stages.CountPairs(airports.Length), interrupts.Drain);
        var outcome = await run;
        var books = job.Books;
        if (interrupts.ExitCode != 0) Console.WriteLine($"\nInterrupted: {job.Done:N0} pairs are done; run it again to go on.");
        Print(Console.Out, options, job, books, outcome, airports.Length, gazetteer.Places.Count, skipped);
        return outcome.Failure is { } failure ? (1, failure) : (interrupts.ExitCode, null);
    }

    /// <summary>Lists the dead letters, a line each.</summary>
    /// <exception cref="UserMistake">There is no store, or it is in use.</exception>
    public static async Task ListDeadAsync(Options options)
    {
        using var interrupts = new Interrupts();
        await using var job = await DurableJob.OpenAsync([], new Gazetteer([]), options, interrupts);
        var count = 0;
        await foreach (var dead in job.DeadLetters())
        {
            count++;
            var item = dead.Item ?? Encoding.UTF8.GetString(dead.Payload.Span);
            Console.WriteLine($"{dead.Id}  {item} failed in {dead.Node} after {dead.Attempts} attempts: {dead.Error}");
        }

        Console.WriteLine(count == 0 ? "No dead letters."
            : $"{count:N0} dead {(count == 1 ? "letter" : "letters")}; --redrive processes them again.");
    }

    // The same as without a store, so that mistakes are met before anything is done, in the same words.
    private static void CheckOutputs(Options options)
    {
        if (options.Out is { } file) CsvOutput.Open(file).Dispose();
        if (options.Database is { } database && database != options.Store!.Path) DatabaseOutput.Open(database).Dispose();
    }

    private static void Print(
        TextWriter text, Options options, DurableJob job, Sluice.Diagnostics.ConsecutorSnapshot books, Outcome outcome, int airports,
            int known, SkippedRows skipped)
    {
        var seconds = outcome.Elapsed.TotalSeconds;
        var ended = books.Completed + books.Dead - books.Split;

        text.WriteLine();
        Row("airports", $"{airports:N0} of {known:N0} in the gazetteer");
        Row("pairs", $"{ended:N0} of {Stages.CountPairs(airports):N0}");
        Row("accepted", $"{books.Accepted:N0}, {job.Resumed:N0} of them by earlier runs");
        Row("completed", $"{books.Completed:N0}");
        Row("dead",
            $"{books.Dead:N0}{(books.Dead > 0 ? ": --dead lists them" : "")}{(job.Redriven > 0 ? $" ({job.Redriven:N0} were processed "
                + $"again)" : "")}");
        if (!books.IsIdle) Row("pending", $"{books.Accepted - ended:N0}, in {options.Store!.Path}");
        if (options.Database is { } database) Row("ToDatabase", $"{books.Completed:N0} rows written to {database}");
        if (options.Out is { } file) Row("ToFile", $"{books.Completed:N0} rows written to {file}");
        Row("skipped rows", skipped.Count == 0 ? "none" : $"{skipped.Count:N0}");
        foreach (var line in skipped.Describe()) text.WriteLine($"    {line}");
        // letters that are processed again had ended before
        var rate = seconds > 0 ? (ended - job.EndedBefore + job.Redriven) / seconds : 0;
        Row("time", $"{seconds:N3} s{(rate >= 1 ? $", {rate:N0} items/s" : "")}");
        text.WriteLine();
        text.WriteLine($"AllPairs | {job.Picture}");

        void Row(string name, string value) => text.WriteLine($"{name,-14}{value}");
    }
}
