using System.Diagnostics;
using System.Globalization;
using Files.Processors;
using Files.Services;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice;
using Sluice.Flows;
using Sluice.Storage;

namespace Files.Driving;

/// <summary>Makes files, starts the services and the flow, keeps the books, and prints the table.</summary>
internal sealed class Drive
{
    // For ending as it should, once somebody has asked for it: where the store does not answer, it would take minutes.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Options options;
    private readonly string id = $"files-{Guid.NewGuid().ToString("N")[..8]}";
    private volatile Fleet? fleet;
    private volatile MadeFiles? made;
    // it was to stop, and the store has not answered: what there is to say is the same, whichever of the two limits ends first
    private volatile bool hasLeftTheRun;

    private Drive(Options options) => this.options = options;

    /// <summary>What is said to whoever asks it to end.</summary>
    public static string Ending(Options options)
        => string.Create(CultureInfo.InvariantCulture,
        $"interrupted: cancels the run{(options.Store.IsShared ? $", stops the services and waits for {options.Store.Place}" : "")}, "
            + $"for {Patience.TotalSeconds} s at most; Ctrl+C again ends it at once");

    /// <returns>The exit code.</returns>
    /// <exception cref="OverdueException">It was to stop, and could not in time: what it has started is killed, what it has made is
    /// deleted.</exception>
    public static async Task<int> RunAsync(Options options, CancellationToken stop)
    {
        var drive = new Drive(options);
        using var patience = new CancellationTokenSource();
        using CancellationTokenRegistration stopping = stop.Register(() => patience.CancelAfter(Patience));
        Task<int> driving = drive.RunAsync(stop);
        await Task.WhenAny(driving, Task.Delay(Timeout.Infinite, patience.Token));
        if (driving.IsCompleted && !drive.hasLeftTheRun) return await driving;
        drive.fleet?.End();
        drive.made?.Dispose();
        throw new OverdueException(
            $"interrupted; the run {drive.id} could not be "
                + $"cancelled{(options.Store.IsShared ? $": does {options.Store.Place} answer? The services were killed; what is left of "
                + $"the run in the store stays there for a day" : "")}");
    }

    private async Task<int> RunAsync(CancellationToken stop)
    {
        // Where the store has one owner, that is this process, and it does everything.
        using IHost host = ServiceHost.Build(options.Store, id, sluice =>
        {
            if (!options.Store.IsShared) Roles.AddTo(sluice, role: null);
        });
        await host.StartAsync(stop);
        Report report;
        using (var counts = new CountsFile(options.Out))
        {
            using MadeFiles? files = made = options.Count is { } count ? MadeFiles.Make(count, options.Seed, options.Keep, stop) : null;
            string directory = made?.Directory ?? options.Input!;
            Console.WriteLine(made is null ? $"files of {directory}, store {options.Store.Kind.ToString().ToLowerInvariant()}"
                : $"{options.Count:N0} files in {directory} (--seed {options.Seed}), "
                + $"store {options.Store.Kind.ToString().ToLowerInvariant()}");
            report = await CountAsync(directory, host.Services.GetRequiredService<ISupervisor>(), counts, stop);
        }
        await host.StopAsync(CancellationToken.None);
        report.Print(options.Json);
        return report.IsRight ? 0 : 1;
    }

    private async Task<Report> CountAsync(string directory, ISupervisor supervisor, CountsFile counts, CancellationToken stop)
    {
        using StoreMemory memory = await StoreMemory.OpenAsync(options.Store);
        var fleet = new Fleet(options, id);
        this.fleet = fleet;
        try
        {
            await fleet.ReadyAsync(stop);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var clock = Stopwatch.StartNew();
            await using FlowRun run = await supervisor.StartAsync(WordFlow.Flow, WordFlow.Inputs(directory), run: id, cancellation: stop);
            var watch = new Watch(run, fleet, memory, options.Store.Place);
            Task watching = watch.RunAsync(ending.Token);
            var books = new Books(made is { Words: var words } ? path => words[MadeFiles.NumberOf(path)] : null);
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
                await CancelAsync(run, stop);
                throw;
            }
            finally
            {
                await ending.CancelAsync();
                await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            TimeSpan last = clock.Elapsed;
            await watch.EndAsync(stop);
            fleet.Measure();
            int files = options.Count ?? found;
            var peaks = new Dictionary<string, long> { ["driver"] = Process.GetCurrentProcess().PeakWorkingSet64 };
            foreach (Service service in fleet.Services) peaks[service.Role] = service.PeakMemory;
            return new(files, books.Indexed, books.Failed, books.Lost(files), books.Duplicated, books.Wrong, books.Words,
                fleet.Kills,
                fleet.Services.Sum(service => service.Restarts), peaks,
                watch.PeakEntries, watch.PeakBytes, watch.PeakMemory > 0 ? watch.PeakMemory : null, first?.TotalSeconds, last.TotalSeconds,
                    options.Seed, directory,
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
            if (options.Store.IsShared) await DeleteAsync(supervisor, fleet, stop);
            await fleet.DisposeAsync();
        }
    }

    private async Task CancelAsync(FlowRun run, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await run.CancelAsync(stop.IsCancellationRequested ? "interrupted" : "it could not go on", patience.Token);
        }
        catch (Exception failure) when (failure is StreamStoreException or FlowException or OperationCanceledException)
        {
            // The store is gone, and the run with it.
            hasLeftTheRun = stop.IsCancellationRequested && failure is not FlowException;
        }
    }

    // Other programs may use the server: nothing of the run is left there. The services end what they do of it before they are stopped;
    // where one was killed last, the one that is started in its place does.
    private async Task DeleteAsync(ISupervisor supervisor, Fleet services, CancellationToken stop)
    {
        if (hasLeftTheRun) return;
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await supervisor.DeleteAsync(id, patience.Token);
                return;
            }
            catch (InvalidOperationException) when (!services.Lives.IsCompleted && !patience.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            }
            catch (Exception failure) when (failure is StreamStoreException or FlowException or OperationCanceledException
                or InvalidOperationException)
            {
                hasLeftTheRun = stop.IsCancellationRequested;
                if (!hasLeftTheRun) await Console.Error.WriteLineAsync(
                    $"files: what is left of the run {id} in the store stays there for a day: {failure.Message}");
                return;
            }
        }
    }
}

/// <summary>It could not end as it should in the time for that.</summary>
internal sealed class OverdueException(string message) : Exception(message);
