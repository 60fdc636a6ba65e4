using System.Diagnostics;
using System.Globalization;

namespace Sluice.Torture;

/// <summary>Lives in processes of their own, over a store in a SQLite file, killed by SIGKILL.</summary>
internal sealed class ProcessLives(Case @case, TortureOptions options, int kills, string directory, TimeSpan limit) : ILives
{
    /// <summary>What a child says when it begins to work.</summary>
    public const string Ready = "ready";

    /// <summary>What it says when it ends by an exception that nobody could catch, on purpose.</summary>
    public const string Explosion = "a bomb on a thread of its own";

    public string Directory => directory;

    public async Task<LifeEnd> RunAsync(int number, LifePlan plan, (long First, int Count) numbers)
    {
        using Process child = Start(number, numbers);
        Task<string> errors = child.StandardError.ReadToEndAsync();
        using var watch = new CancellationTokenSource(limit);
        try
        {
            if (plan.Ending == Ending.KilledAtBirth)
            {
                // The runtime takes a while to be there at all.
                await WaitAsync(child, TimeSpan.FromMilliseconds(100) + plan.Delay, watch.Token);
                child.Kill();
            }
            else
            {
                while (await child.StandardOutput.ReadLineAsync(watch.Token) is { } line && line != Ready) { }
                if (plan.Ending != Ending.Idle)
                {
                    await WaitAsync(child, plan.Ending == Ending.KilledSoon ? plan.Delay : TimeSpan.FromSeconds(1), watch.Token);
                    child.Kill();
                }
            }
            await child.WaitForExitAsync(watch.Token);
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            throw new TortureException($"life {number} ({plan}) has not come to its end in {limit}: {await errors}");
        }
        if (child.ExitCode == 0) return LifeEnd.Clean;
        if (child.ExitCode == 128 + 6 && (await errors).Contains(Explosion, StringComparison.Ordinal)) return LifeEnd.Killed;
        return child.ExitCode == 128 + 9 ? LifeEnd.Killed : throw new TortureException($"life {number} ({plan}) ended with {child.ExitCode}: {await errors}");
    }

    public async Task<IStreamStore> OpenStoreAsync() => await Stores.OpenAsync(directory, @case);

    public ValueTask DisposeAsync() => default;

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

    private Process Start(int life, (long First, int Count) numbers)
    {
        string program = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(ProcessLives).Assembly.Location] : [];
        return Process.Start(new ProcessStartInfo(program, [.. own, .. options.Child(@case.Number, directory, life, kills, numbers)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_DbgEnableMiniDump"] = "0" },
        })!;
    }
}

/// <summary>A life, in the child.</summary>
internal static class ChildLife
{
    public static async Task RunAsync(TortureOptions options, string directory, int number, int kills, (long First, int Count) numbers)
    {
        var @case = new Case(options.Seed, options.OnlyCase!.Value, options.Items);
        LifePlan plan = @case.PlanOf(number, kills, options.IsSweep);
        using var journal = new Journal(directory, number);
        await using IStreamStore store = await Stores.OpenAsync(directory, @case);
        IStreamStore mine = options.Breakage == Breakage.None ? store : new BrokenStore(store, options.Breakage, new Dice(plan.Seed));
        var life = new Life(@case, plan, new MortalStore(mine, plan, Die), journal, Path.Combine(directory, "ledger"), Die)
        {
            Begun = () => Console.Out.WriteLine(ProcessLives.Ready),
            Explode = number % 2 == 0 ? Die : Throw,
        };
        await life.RunAsync(numbers, CancellationToken.None);
    }

    // What a library that one calls may do: nobody can catch it, and the process ends.
    private static void Throw()
    {
        new Thread(() => throw new InvalidOperationException(ProcessLives.Explosion)).Start();
        Thread.Sleep(Timeout.Infinite);
    }

    // SIGKILL: nothing of the program runs after it, no handler, no finally.
    private static void Die()
    {
        using var me = Process.GetCurrentProcess();
        me.Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
