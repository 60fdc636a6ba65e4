using System.Diagnostics;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>A life, in the child.</summary>
internal static class ChildLife
{
    private static readonly Process Me = Process.GetCurrentProcess();

    public static async Task RunAsync(TortureOptions options, ChildOptions child)
    {
        Console.Out.WriteLine(ProcessLives.Born);
        var @case = new Case(options.Seed, child.Case, options.Items, options.IsSweep, options.HasTroubles);
        using var journal = new Journal(child.Directory, child.Life);
        await using IStreamStore store = child.Server is { } server ? await ServerHandle.OpenStoreAsync(server)
            : await Stores.OpenAsync(child.Directory, @case, SkewedClock.Of(child.Plan.Troubles));
        IStreamStore mine = options.Breakage == Breakage.None ? store : new BrokenStore(store, options.Breakage, new Dice(child.Plan.Seed));
        var mortal = new MortalStore(mine, child.Plan, store as SqliteStreamStore, where =>
        {
            journal.Write($"dies {where}");
            Die();
        });
        var life = new Life(@case, child.Plan, mortal, journal, child.Directory)
        {
            Begun = () => Console.Out.WriteLine(ProcessLives.Ready),
            Explode = child.Life % 2 == 0 ? Die : Throw,
            IsSqlite = store is SqliteStreamStore,
        };
        await life.RunAsync(child.Numbers, CancellationToken.None);
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
        Me.Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
