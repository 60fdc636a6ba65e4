using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Sluice.Flows;
using Sluice.Hosting;
using Words.Extractors;

namespace Words.Driving;

/// <summary>Makes files, has the flow count their words, and says whether the counts are right.</summary>
internal static class Drive
{
    private const int Kills = 10;                    // about as many in a run with --kill
    private const int ManyStarts = 1_000_000;        // processes that this program kills are no processor's fault

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Options options, CancellationToken stop)
    {
        using MadeFiles files = MadeFiles.Make(options.Files, options.Seed, stop);
        await using Extractor extractor = Extractor.Of(options.Executor);
        await extractor.StartAsync(stop);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true)
            .SetMinimumLevel(options.Kill ? LogLevel.Error : LogLevel.Warning);
        SluiceBuilder sluice = builder.Services.AddSluice(sluice =>
        {
            sluice.UseMemory();
            sluice.Supervisor = new() { Name = "words", MaxStarts = ManyStarts };
        });
        sluice.AddProcessor(WordFlow.Discover, WordFlow.DiscoverAsync);
        sluice.AddProcessor(WordFlow.Read, WordFlow.ReadAsync);
        extractor.AddTo(sluice);
        sluice.AddProcessor(WordFlow.Index, WordFlow.IndexAsync);
        using IHost host = builder.Build();
        await host.StartAsync(stop);
        try
        {
            return await CountAsync(options, files, extractor, host.Services.GetRequiredService<ISupervisor>(), stop);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    private static async Task<int> CountAsync(Options options, MadeFiles files, Extractor extractor, ISupervisor supervisor,
        CancellationToken stop)
    {
        var books = new Books(files.Words);
        var random = new Random(options.Seed);
        int kills = 0, step = Math.Max(1, options.Files / Kills), next = 1 + random.Next(step);
        var clock = Stopwatch.StartNew();
        await using FlowRun run = await supervisor.StartAsync(WordFlow.Flow, [IOVal.Of(WordFlow.Directory, files.Directory)],
            cancellation: stop);
        await foreach (FileWords entry in run.Output<FileWords>(WordFlow.Entries).StreamAsync(stop))
        {
            books.Add(entry);
            if (!options.Kill || books.Files < next) continue;
            if (await extractor.KillAsync(random, stop)) kills++;
            next = books.Files + (step / 2) + random.Next(step) + 1;
        }
        await run.Completion.WaitAsync(stop);
        string killed = kills > 0 ? $"; {kills} {(kills == 1 ? "process was" : "processes were")} killed" : "";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{books.Files:N0} files and {books.Words:N0} words were counted ({options.Executor}) "
                + $"in {clock.Elapsed.TotalSeconds:F1} s{killed}"));
        if (books.Mistakes is not { } mistakes) return 0;
        Console.Error.WriteLine($"words: {mistakes}");
        return 1;
    }
}
