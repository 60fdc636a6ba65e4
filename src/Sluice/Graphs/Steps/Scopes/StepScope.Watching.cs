using Sluice.Diagnostics;

namespace Sluice.Graphs;

public sealed partial class StepScope
{
    private static readonly Lock WatchSync = new();
    private static Action<StepScope>[]? watchers;          // changed under WatchSync, and never written to; scopes read it without

    private bool isTold;                             // under sync

    /// <summary>
    /// Watches the scopes of this process that end from now on: a function gets each scope that was disposed, and may ask for its
    /// <see cref="Snapshot"/> and its <see cref="Topology"/>. For dashboards.
    /// </summary>
    /// <remarks>
    /// The function runs before the first <see cref="DisposeAsync"/> ends, on any thread and for several scopes at a time, so it must be
    /// quick. What it throws is a warning, and changes nothing for the scope. Without a function, a scope pays a comparison.
    /// </remarks>
    /// <param name="ended">Receives the scopes.</param>
    /// <returns>Ends the watching when it is disposed.</returns>
    public static IDisposable Watch(Action<StepScope> ended)
    {
        ArgumentNullException.ThrowIfNull(ended);
        AsyncVoid.RefuseCallback(ended);
        var watching = new Watching(ended);
        lock (WatchSync) watchers = [.. watchers ?? [], watching.Ended];
        return watching;
    }

    private void TellWatchers()
    {
        if (Volatile.Read(ref watchers) is not { } all) return;
        lock (sync)
        {
            if (isTold) return;
            isTold = true;
        }
        foreach (Action<StepScope> ended in all)
        {
            try
            {
                ended(this);
            }
            catch (Exception e)
            {
                Warnings.Tell($"A function that watches the scopes of steps has failed with {e.GetType().Name}: {FailureText.MessageOf(e)} "
                    + "The scope is not affected.");
            }
        }
    }

    private sealed class Watching : IDisposable
    {
        public Watching(Action<StepScope> ended) => Ended = scope => ended(scope);       // one of its own, if a function watches twice

        public Action<StepScope> Ended { get; }

        public void Dispose()
        {
            lock (WatchSync)
            {
                Action<StepScope>[] left = [.. (watchers ?? []).Where(one => one != Ended)];
                watchers = left.Length == 0 ? null : left;
            }
        }
    }
}
