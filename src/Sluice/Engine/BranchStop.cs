namespace Sluice.Engine;

/// <summary>Tells a fan-out's upstream to stop once every branch (or lane) has stopped.</summary>
/// <remarks>Any thread. Several stages of a branch may stop it; the branch counts once.</remarks>
internal sealed class BranchStop<T>(Inlet<T> fanOut, BranchStop<T>.Counter wanting) : IUpstream
{
    private int stopped;

    public void Stop()
    {
        if (Interlocked.Exchange(ref stopped, 1) == 0 && wanting.Decrement() == 0) fanOut.Upstream?.Stop();
    }

    internal sealed class Counter(int branches)
    {
        private int left = branches;

        public int Decrement() => Interlocked.Decrement(ref left);
    }
}

internal static class BranchStop
{
    /// <summary>Called while the run is built.</summary>
    public static void Attach<T>(Inlet<T> fanOut, Inlet<T>[] branches)
    {
        var wanting = new BranchStop<T>.Counter(branches.Length);
        foreach (Inlet<T> branch in branches) branch.Attach(new BranchStop<T>(fanOut, wanting));
    }
}
