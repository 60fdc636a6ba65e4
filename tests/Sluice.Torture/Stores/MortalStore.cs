using System.Diagnostics;
using Sluice.Testing;

namespace Sluice.Torture;

/// <summary>A store whose user dies at one of its calls, and of which a dead user gets nothing any more.</summary>
/// <param name="inner">The store; it survives.</param>
/// <param name="plan">At which call.</param>
/// <param name="die">Ends the user. In a process of its own, does not return.</param>
internal sealed class MortalStore(IStreamStore inner, LifePlan plan, Action die) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private volatile bool isDead;
    private int calls;

    /// <summary>From here on the user is dead.</summary>
    public void Kill() => isDead = true;

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        ThrowIfDead();
        bool isLast = plan.Ending == Ending.KilledAtCall && (plan.Call.Length == 0 || plan.Call == name) && Interlocked.Increment(ref calls) == plan.CallNumber;
        if (!isLast)
        {
            T result = await call();
            ThrowIfDead();
            return result;
        }
        if (plan.Moment != Moment.Before)
        {
            Task<T> running = call().AsTask();
            if (plan.Moment == Moment.After) await running;
            else Spin(new Dice(plan.Seed));
            _ = running.ContinueWith(ended => ended.Exception, TaskScheduler.Default);     // where there is nobody left who could look at it
        }
        die();
        ThrowIfDead();
        throw new UnreachableException();
    }

    // The call is being made by another thread: somewhere in its transaction.
    private static void Spin(Dice dice)
    {
        long until = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 1_000_000 * dice.Below(1 << dice.Between(2, 12)));
        while (Stopwatch.GetTimestamp() < until) Thread.SpinWait(20);
    }

    private void ThrowIfDead()
    {
        if (isDead) throw new StreamStoreException("The user of this store was killed.");
    }
}
