using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Sluice.Sqlite;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Torture;

/// <summary>A store whose user dies at one of its calls, and of which a dead user gets nothing any more.</summary>
internal sealed class MortalStore : StreamStoreWrapper
{
    private readonly ConcurrentDictionary<string, int> calls = new();
    private readonly LastCall? last;
    private readonly Dice dice;
    private readonly Action<string> die;
    private readonly bool isSqlite;
    private volatile bool isDead;
    private volatile string? dying;

    /// <param name="inner">The store; it survives.</param>
    /// <param name="plan">At which call.</param>
    /// <param name="sqlite">The SQLite store that does the work, if it is one: it can be killed inside of its transactions.</param>
    /// <param name="die">Ends the user, who is told where. In a process of its own, does not return.</param>
    public MortalStore(IStreamStore inner, LifePlan plan, SqliteStreamStore? sqlite, Action<string> die) : base(inner, leaveOpen: true)
    {
        (last, dice, this.die, isSqlite) = (plan.LastCall, new Dice(plan.Seed), die, sqlite is not null);
        if (sqlite is not null && last is { Moment: not (Moment.Before or Moment.After) }) SetProbe(sqlite, Probe);
    }

    /// <summary>How often each call was made.</summary>
    public IReadOnlyDictionary<string, int> Calls => calls;

    /// <summary>From here on the user is dead.</summary>
    public void Kill() => isDead = true;

    /// <summary>Whether the user is dead.</summary>
    public bool IsKilled => isDead;

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        ThrowIfDead();
        int number = calls.AddOrUpdate(name, 1, static (_, count) => count + 1);
        if (last?.Name.Length == 0) number = calls.AddOrUpdate("", 1, static (_, count) => count + 1);
        if (last is null || number != last.Number || (last.Name.Length > 0 && last.Name != name))
        {
            T result = await call();
            ThrowIfDead();
            return result;
        }
        string where = $"{last.Moment} {name} {number}";
        if (last.Moment != Moment.Before)
        {
            dying = where;                           // from here on the end of a transaction is the end of everything
            Task<T> running = call().AsTask();
            if (isSqlite || last.Moment is Moment.Stored or Moment.After) await running;
            else Spin();
            _ = running.ContinueWith(ended => ended.Exception, TaskScheduler.Default); // where there is nobody left who could look at it
        }
        die(where);                                  // in a transaction, it was one that only reads
        ThrowIfDead();
        throw new UnreachableException();
    }

    // By the writer's thread, around the end of each transaction.
    private void Probe(bool hasEnded)
    {
        if (dying is not { } where) return;
        if (last!.Moment == Moment.Inside && !hasEnded) die(where);
        if (last.Moment == Moment.Stored && hasEnded) die(where);
        if (last.Moment != Moment.AtTheEnd || hasEnded) return;
        var killer = new Thread(() =>
        {
            Spin();
            die(where);
        });
        killer.Start();
    }

    private void Spin()
    {
        long until = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 1_000_000 * dice.Below(1 << dice.Between(2, 12)));
        while (Stopwatch.GetTimestamp() < until) Thread.SpinWait(20);
    }

    private void ThrowIfDead()
    {
        if (isDead) throw new StreamStoreException("The user of this store was killed.");
    }

    // A hook for tests, and this is no test project.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Probe")]
    private static extern void SetProbe(SqliteStreamStore store, Action<bool>? probe);
}
