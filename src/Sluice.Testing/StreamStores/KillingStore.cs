namespace Sluice.Testing;

/// <summary>The moment of a kill, relative to a call.</summary>
internal enum KillMoment
{
    Before,
    Inside,
    After,
}

/// <summary>Simulates a kill of the caller in one of its calls. The code that catches it must kill the store.</summary>
internal sealed class KilledException : Exception;

internal sealed class KillingStore(IStreamStore inner, int at, KillMoment moment) : StreamStoreWrapper(inner)
{
    private int calls;

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (Interlocked.Increment(ref calls) != at) return await call();
        if (moment == KillMoment.Before) throw new KilledException();
        Task<T> running = call().AsTask();
        if (moment == KillMoment.After) await running;
        else _ = running.ContinueWith(ended => ended.Exception, TaskScheduler.Default); // no caller is left to observe it
        throw new KilledException();
    }
}
