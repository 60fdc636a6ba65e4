using System.Diagnostics;
using Files.Processors;
using Files.Services;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice;

namespace Files.Driving;

/// <summary>Makes files, starts the services and the flow, keeps the books, and prints the table.</summary>
internal static class Drive
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Options options, CancellationToken stop)
    {
        string id = $"files-{Guid.NewGuid().ToString("N")[..8]}";
        // Where the store has one owner, that is this process, and it does everything.
        using IHost host = ServiceHost.Build(options.Store, id, sluice =>
        {
            if (!options.Store.IsShared) Roles.AddTo(sluice, role: null);
        });
        await host.StartAsync(stop);
        Report report;
        using (var counts = new CountsFile(options.Out))
        {
            using MadeFiles? made = options.Count is { } count ? MadeFiles.Make(count, options.Seed, options.Keep, stop) : null;
            string directory = made?.Directory ?? options.Input!;
            Console.WriteLine(made is null ? $"files of {directory}, store {options.Store.Kind.ToString().ToLowerInvariant()}" : $"{options.Count:N0} files in {directory} (--seed {options.Seed}), store {options.Store.Kind.ToString().ToLowerInvariant()}");
            report = await CountAsync(options, directory, id, host.Services.GetRequiredService<ISupervisor>(), counts, stop);
        }
        await host.StopAsync(CancellationToken.None);
        report.Print(options.Json);
        return report.IsRight ? 0 : 1;
    }

    private static async Task<Report> CountAsync(Options options, string directory, string id, ISupervisor supervisor, CountsFile counts, CancellationToken stop)
    {
        using StoreMemory memory = await StoreMemory.OpenAsync(options.Store);
        Fleet fleet = await Fleet.StartAsync(options, id, stop);
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var clock = Stopwatch.StartNew();
            await using FlowRun run = await supervisor.StartAsync(WordFlow.Flow, WordFlow.Inputs(directory), run: id, cancellation: stop);
            var watch = new Watch(run, fleet, memory);
            Task watching = watch.RunAsync(ending.Token);
            var books = new Books();
            TimeSpan? first = null;
            int found;
            try
            {
                Task<int> reading = ReadAsync(ending.Token);
                await await Task.WhenAny(reading, fleet.Lives, watching);
                found = await reading;
            }
            catch
            {
                await CancelAsync(run, stop.IsCancellationRequested ? "interrupted" : "it could not go on");
                throw;
            }
            finally
            {
                await ending.CancelAsync();
                await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            TimeSpan last = clock.Elapsed;
            await watch.EndAsync(stop);
            await fleet.DisposeAsync();              // nobody is at work on the run any more
            int files = options.Count ?? found;
            var peaks = new Dictionary<string, long> { ["driver"] = Process.GetCurrentProcess().PeakWorkingSet64 };
            foreach (Service service in fleet.Services) peaks[service.Role] = service.PeakMemory;
            return new(files, books.Indexed, books.Failed, books.Lost(files), books.Duplicated, books.Words, fleet.Kills, fleet.Services.Sum(service => service.Restarts), peaks,
                watch.PeakEntries, watch.PeakBytes, watch.PeakMemory > 0 ? watch.PeakMemory : null, first?.TotalSeconds, last.TotalSeconds, options.Seed, directory,
                [.. books.Failures.Select(file => new FailedFile(file.Path, file.Trouble!))]);

            async Task<int> ReadAsync(CancellationToken cancellation)
            {
                var killing = new Killing(options, fleet);
                await foreach (FileWords entry in run.Output<FileWords>(WordFlow.Entries).StreamAsync(cancellation))
                {
                    first ??= clock.Elapsed;
                    books.Add(entry);
                    counts.Add(entry);
                    killing.Progress(books.Entries);
                }
                int all = await run.Output<int>(WordFlow.Found).FirstAsync(cancellation);
                await run.Completion.WaitAsync(cancellation);
                return all;
            }
        }
        finally
        {
            await fleet.DisposeAsync();
            if (options.Store.IsShared) await DeleteAsync(supervisor, id);
        }
    }

    private static async Task CancelAsync(FlowRun run, string reason)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await run.CancelAsync(reason, patience.Token);
        }
        catch (Exception failure) when (failure is StreamStoreException or FlowException or OperationCanceledException)
        {
            // The store is gone, and the run with it.
        }
    }

    // Other programs may use the server: nothing of the run is left there.
    private static async Task DeleteAsync(ISupervisor supervisor, string run)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await supervisor.DeleteAsync(run, patience.Token);
        }
        catch (Exception failure) when (failure is StreamStoreException or FlowException or OperationCanceledException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync($"files: what is left of the run {run} in the store stays there for a day: {failure.Message}");
        }
    }
}
