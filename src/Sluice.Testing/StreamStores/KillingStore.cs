namespace Sluice.Testing;

/// <summary>When a process dies, seen from one of its calls.</summary>
internal enum KillMoment
{
    Before,
    Inside,
    After,
}

/// <summary>Ends the caller, as a kill does, at one of its calls. The store behind it is to be killed by who catches this.</summary>
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
        else _ = running.ContinueWith(ended => ended.Exception, TaskScheduler.Default); // nobody is left who could look at it
        throw new KilledException();
    }
}
