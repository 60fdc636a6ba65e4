using System.Diagnostics;
using System.Globalization;
using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>Lives in processes of their own, over a store in a SQLite file or on a server, killed by SIGKILL, as the server
/// is.</summary>
internal sealed class ProcessLives(Case @case, TortureOptions options, string directory, TimeSpan limit, MortalServer? server = null)
    : ILives
{
    /// <summary>What a child says when it is there at all.</summary>
    public const string Born = "born";

    /// <summary>What it says when its consecutor is about to start.</summary>
    public const string Ready = "ready";

    /// <summary>What it says when it ends by an exception that nobody could catch, on purpose.</summary>
    public const string Explosion = "a bomb on a thread of its own";

    // What the runtime writes of the exception that ends a process. Other lines name exceptions that were survived.
    private static readonly string EndOfStore = $"Unhandled exception. {typeof(StreamStoreException)}: ";

    public string Directory => directory;

    /// <summary>How often a life was stopped and went on.</summary>
    public int Stops { get; private set; }

    /// <summary>The server of the store, if it has one.</summary>
    public MortalServer? Server => server;

    public async Task<LifeEnd> RunAsync(int number, LifePlan plan, (long First, int Count) numbers)
    {
        int kills = server?.Kills ?? 0;
        if (server is not null) await server.BeforeAsync(number);
        using Process child = Start(number, plan, numbers);
        Task<string> errors = child.StandardError.ReadToEndAsync();
        using var watch = new StandstillWatch(Journal.PathOf(directory, number), limit);
        using var frozen = new CancellationTokenSource();
        Task freezing = plan.Troubles.Freezes ? FreezeAsync(plan, frozen.Token) : Task.CompletedTask;
        try
        {
            string start = plan.Ending == Ending.KilledAtBirth ? Born : Ready;
            Task dying = Task.CompletedTask;
            while (await child.StandardOutput.ReadLineAsync(watch.Token) is { } line)
            {
                if (line == Born && server is not null) dying = server.DuringAsync(number);
                if (line == start) break;
            }
            if (plan.Troubles.Stops) Stops++;
            if (plan.Troubles.Stops) await StoppedProcess.StopAsync(child.Id, @case.DiceOf(plan).For(1), watch.Token);
            if (plan.Ending != Ending.Idle)
            {
                await WaitAsync(child, plan.Delay, watch.Token);
                child.Kill();
            }
            await child.WaitForExitAsync(watch.Token);
            await dying;
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            throw new TortureException(
                $"life {number} ({plan}) has done nothing for {limit}, or has not come to its end "
                    + $"in {StandstillWatch.LongestLife}: {await errors}");
        }
        finally
        {
            await frozen.CancelAsync();
            await freezing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (child.ExitCode == 0) return LifeEnd.Clean;
        if (child.ExitCode == 128 + 6 && (await errors).Contains(Explosion, StringComparison.Ordinal)) return LifeEnd.Killed;
        // A call that its consecutor makes for the child, and not for an item, fails with the server: the child ends by it, as a program
        // would that is started again. So it does where the file was locked for longer than a call waits.
        bool wasAway = server?.Kills > kills || plan.Troubles.Freezes;
        if (wasAway && (await errors).Contains(EndOfStore, StringComparison.Ordinal)) return LifeEnd.Killed;
        return child.ExitCode == 128 + 9 ? LifeEnd.Killed
            : throw new TortureException($"life {number} ({plan}) ended with {child.ExitCode}: {await errors}");
    }

    public async Task<IStreamStore> OpenStoreAsync()
        => server is null ? await Stores.OpenAsync(directory, @case) : await ServerHandle.OpenStoreAsync(server.Address);

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? default;

    private Task FreezeAsync(LifePlan plan, CancellationToken cancellation)
        => server is not null ? server.FreezeAsync(@case.DiceOf(plan), cancellation)
        : Freeze.LockAsync(Stores.PathIn(directory), @case.DiceOf(plan), cancellation);

    private static async Task WaitAsync(Process child, TimeSpan time, CancellationToken cancellation)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(time);
        try
        {
            await child.WaitForExitAsync(timer.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // It is time.
        }
    }

    private Process Start(int life, LifePlan plan, (long First, int Count) numbers)
    {
        string program = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(ProcessLives).Assembly.Location] : [];
        return Process.Start(new ProcessStartInfo(program,
            [.. own, .. options.CallChild(new(directory, @case.Number, life, plan, numbers.First, numbers.Count, server?.Address))])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_DbgEnableMiniDump"] = "0" },
        })!;
    }
}
