using System.Diagnostics;
using Spectre.Console;

namespace Airports;

/// <summary>Shows how far a run has come, until it ends: a bar on a terminal, else a plain line at most once a second.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(1);

    /// <summary>Watches <paramref name="run"/>; its failure is left to whoever awaits it.</summary>
    public static Task WatchAsync(Task run, Func<long> done, long total, CancellationToken draining)
        => Console.IsOutputRedirected || Environment.GetEnvironmentVariable("TERM") == "dumb"
            ? LinesAsync(run, done, total, draining)
            : BarAsync(run, done, total, draining);

    private static Task BarAsync(Task run, Func<long> done, long total, CancellationToken draining)
    {
        // It is a terminal, whatever variables of a build server are set.
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes });
        return console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask("distances", maxValue: total);
                while (!await EndsWithinAsync(run, BarInterval))
                {
                    bar.Value = done();
                    if (draining.IsCancellationRequested) bar.Description = "draining (Ctrl+C stops at once)";
                }

                bar.Value = done();
                bar.StopTask();
            });
    }

    private static async Task LinesAsync(Task run, Func<long> done, long total, CancellationToken draining)
    {
        Console.WriteLine($"{done():N0} of {total:N0} pairs");
        var clock = Stopwatch.StartNew();
        using var note = draining.Register(() => Console.WriteLine("Interrupted: draining. Another Ctrl+C stops at once."));
        while (!await EndsWithinAsync(run, LineInterval))
            Console.WriteLine($"{done():N0} of {total:N0} pairs ({100.0 * done() / total:F0} %), {clock.Elapsed.TotalSeconds:F0} s");

        Console.WriteLine($"{done():N0} of {total:N0} pairs");
    }

    private static async Task<bool> EndsWithinAsync(Task run, TimeSpan time)
        => await Task.WhenAny(run, Task.Delay(time)) == run;
}
